"""Who takes part: the tables of the comparison, each a list of contestants that take turns."""

from comparison.network import EPOCH_STEPS
from comparison.processes import PeerFailed, Worker
from comparison.rounds import Contestant, spread, take_turns
from comparison.targets import COMPILED, EAGER, FLOOR, JAX, ONE_THREAD, ONNX_BYTES, ONNX_FLOATS, OURS, OURS_BF16, PASSES, PRODUCTS, PYTORCH

TRAINING = [("pytorch", "train eager", EAGER), ("pytorch", "train compile", COMPILED), ("jax", "train jit and scan", JAX)]
INFERENCE = [("pytorch", "infer", PYTORCH), ("onnxruntime", "infer bytes", ONNX_BYTES), ("onnxruntime", "infer floats", ONNX_FLOATS)]
CALLS = {1: 2000, 10000: 5}  # Of each round, by rows of a call.
PREPARATION = 300  # Seconds at most: torch.compile runs a compiler.
START_RUNS = 5


def read_bench(told, read):
    """What `read` finds in the JSON of rushlight bench. Raises PeerFailed where it is not as expected."""
    try:
        return read(told)
    except (KeyError, IndexError, TypeError) as error:
        raise PeerFailed(f"the JSON of rushlight bench {told.get('case')} has another shape than this script knows: {error!r}") from None


def start_workers(peers, threads, say, start=Worker):
    """The worker of each peer; in its place the reason, where it does not start."""
    workers = {}
    for peer in peers:
        say(f"starting {peer}")
        try:
            workers[peer] = start(peer, threads)
        except PeerFailed as error:
            say(f"  {error}")
            workers[peer] = str(error)
    return workers


def theirs(workers, peer, case, name, count, rows, say):
    """A peer's contestant, compiled and warmed up."""
    contestant = Contestant(name)
    worker = workers.get(peer, f"{peer} was left out")
    if isinstance(worker, str):
        contestant.fail(worker, "skipped")
        return contestant
    say(f"preparing {name}" + (f", {rows} rows" if rows else ""))
    try:
        worker.ask(PREPARATION, do="prepare", case=case, count=count, rows=rows)
    except PeerFailed as error:
        contestant.fail(error)
    scale = EPOCH_STEPS if rows == 0 else 1
    contestant.notes["timed"] = count
    contestant.run = lambda: scale * worker.ask(120, do="round", case=case, count=count, rows=rows)["seconds"]
    return contestant


class Training:
    """The seconds of the lab's epoch: ours, the peers', and two limits that each of our own runs measures."""

    def __init__(self, program, workers, seconds, steps, say):
        self.program, self.seconds, self.told = program, seconds, {}
        self.products, self.floor = Contestant(PRODUCTS), Contestant(FLOOR)
        self.ours = Contestant(OURS, self._run_ours)
        say(f"preparing {OURS}")
        self.contestants = [self.ours, self._variant(OURS_BF16, "--precision", "bf16")]
        if program.threads > 1:
            self.contestants.append(self._variant(ONE_THREAD, threads=1))
        if not self._warm_up():
            workers = dict.fromkeys(workers, f"{OURS} was not measured, so there is nothing to compare with")
        for peer, case, name in TRAINING:
            self.contestants.append(theirs(workers, peer, case, name, steps, 0, say))
        self.contestants += [self.products, self.floor]

    def _warm_up(self):
        try:
            read_bench(self.program.bench("lab", seconds=self.seconds), lambda told: told["results"][0]["seconds"]["median"])
        except PeerFailed as error:
            for one in (self.ours, self.products, self.floor):
                one.fail(error)
        return self.ours.status == "measured"

    def _variant(self, name, *options, **more):
        contestant = Contestant(name)

        def run():
            told = self.program.bench("lab", *options, seconds=self.seconds, **more)
            return read_bench(told, lambda told: told["results"][0]["seconds"]["median"])

        try:
            run()
        except PeerFailed as error:
            contestant.fail(error, "skipped")
        contestant.run = run
        return contestant

    def _run_ours(self):
        self.told = self.program.bench("lab", seconds=self.seconds)
        return read_bench(self.told, self._read_ours)

    def _read_ours(self, told):
        epoch, ceilings = told["results"][0], told["ceilings"]
        self.ours.notes.setdefault("timed", []).append(epoch["timed"])
        self.products.seconds.append(ceilings["products"]["seconds"]["median"])
        self.floor.seconds.append(epoch["flops"] / ceilings["fma"]["flops_per_second"])
        return epoch["seconds"]["median"]


class Inference:
    """The seconds of a call, from host to host, for a row and for 10,000."""

    def __init__(self, program, workers, seconds, say):
        self.program, self.seconds, self.told = program, seconds, {}
        self.ours = {1: Contestant(OURS, self._run_ours), 10000: Contestant(OURS)}
        self.tables = {rows: [ours] for rows, ours in self.ours.items()}
        for rows, table in self.tables.items():
            for peer, case, name in INFERENCE:
                table.append(theirs(workers, peer, case, name, CALLS[rows], rows, say))
        self.contestants = [one for table in self.tables.values() for one in table]

    def _run_ours(self):
        try:
            self.told = self.program.bench("infer", seconds=self.seconds)
            return read_bench(self.told, self._read_ours)
        except PeerFailed as error:
            self.ours[10000].fail(error)
            raise

    def _read_ours(self, told):
        one, many = told["results"][0], told["results"][1]
        self.ours[10000].seconds.append(many["seconds"]["median"])
        return one["seconds"]["median"]


def measured_or_reason(measure):
    """What was measured; a reason in its place where it failed."""
    try:
        return measure()
    except PeerFailed as error:
        return {"reason": str(error)}


def kernels(program, seconds, rounds):
    told = program.bench("kernels", seconds=seconds, rounds=rounds)
    return read_bench(told, lambda told: {f"{name}_to_copy": told["ratios"][f"{name}_to_copy"] for name in PASSES})


def start(program):
    runs = [program.first_step() for _ in range(START_RUNS)]
    return {key: spread([run[key] for run in runs]) for key in ("seconds", "whole_seconds")}


def compare(program, workers, rounds, seconds, steps, say):
    """All tables of the record. A round of ours takes about `seconds`, a peer's round of training so many `steps`."""
    training = Training(program, workers, seconds, steps, say)
    inference = Inference(program, workers, seconds, say)
    say(f"training: {rounds} rounds")
    take_turns(training.contestants, rounds, say)
    say(f"inference: {rounds} rounds")
    take_turns(inference.contestants, rounds, say)
    say("kernels, start and memory")
    return {
        "training": [one.row(training.ours) for one in training.contestants],
        "inference_1": [one.row(inference.ours[1]) for one in inference.tables[1]],
        "inference_10000": [one.row(inference.ours[10000]) for one in inference.tables[10000]],
        "kernels": measured_or_reason(lambda: kernels(program, 2 * seconds, rounds)),
        "start": measured_or_reason(lambda: start(program)),
        "memory": measured_or_reason(lambda: {"megabytes": spread([program.training_memory() / 1e6])}),
        "rushlight": {"lab": training.told, "infer": inference.told},
    }

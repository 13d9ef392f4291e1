#include <rushlight/error.h>
#include <rushlight/io.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "tests/io/temporary_folder.h"

namespace rushlight {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

// In a process of its own, for what cannot be undone; what the call's FormatError said, through a pipe.
std::string message_in_child(const std::function<void()>& call) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    std::string message = "nothing was thrown";
    try {
      call();
    } catch (const FormatError& error) {
      message = error.what();
    }
    const ssize_t written = ::write(ends[1], message.data(), message.size());
    ::_exit(written < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  std::string message(4096, '\0');
  const ssize_t count = ::read(ends[0], message.data(), message.size());
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  message.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return WIFEXITED(status) ? message : "the process died";
}

void limit_file_size(rlim_t bytes) {
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

// The superuser may write anywhere: become somebody else.
void give_up_privileges() {
  if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(1);
}

TEST(WriteFileTest, ReplacesTheFileAndLeavesNothingElse) {
  const TemporaryFolder folder;
  write_file(folder / "a.txt", "old");
  write_file(folder / "a.txt", std::string("new\0text", 8));
  EXPECT_EQ(raw_bytes(folder / "a.txt"), std::string("new\0text", 8));
  EXPECT_THAT(folder.names(), UnorderedElementsAre("a.txt"));
}

TEST(WriteFileTest, KeepsTheOldFileWhenTheDiskTakesOnlyAPart) {
  const TemporaryFolder folder;
  write_file(folder / "a.txt", "old");
  const std::string message = message_in_child([&] {
    limit_file_size(1000);
    write_file(folder / "a.txt", std::string(5000, 'x'));
  });
  EXPECT_THAT(message, AllOf(HasSubstr("a.txt"), HasSubstr("File too large")));
  EXPECT_EQ(raw_bytes(folder / "a.txt"), "old");
  EXPECT_THAT(folder.names(), UnorderedElementsAre("a.txt"));
}

TEST(WriteFileTest, SaysThatTheFolderIsMissing) {
  const TemporaryFolder folder;
  const auto call = [&] { write_file(folder / "no/a.txt", "x"); };
  EXPECT_THAT(message_of<FormatError>(call), AllOf(HasSubstr("no/a.txt"), HasSubstr("No such file or directory")));
}

TEST(WriteFileTest, SaysThatTheFolderMayNotBeWritten) {
  const TemporaryFolder folder;
  ::chmod(folder.path().c_str(), 0555);
  const std::string message = message_in_child([&] {
    give_up_privileges();
    write_file(folder / "a.txt", "x");
  });
  ::chmod(folder.path().c_str(), 0755);
  EXPECT_THAT(message, AllOf(HasSubstr("a.txt"), HasSubstr("Permission denied")));
}

// A pipe of the test's own stands for a device: a broken check must not cost the machine its /dev/null.
TEST(WriteFileTest, RefusesAFolderAndWhatIsNoFile) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "sub");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const auto into_folder = [&] { write_file(folder / "sub", "x"); };
  const auto into_slash = [&] { write_file(folder / "sub/", "x"); };
  const auto into_pipe = [&] { write_file(folder / "pipe", "x"); };
  EXPECT_THAT(message_of<FormatError>(into_folder), HasSubstr("Is a directory"));
  EXPECT_THAT(message_of<FormatError>(into_slash), HasSubstr("Is a directory"));
  EXPECT_THAT(message_of<FormatError>(into_pipe), HasSubstr("no regular file"));
  EXPECT_TRUE(std::filesystem::is_fifo(folder / "pipe"));
  EXPECT_THAT(folder.names(), UnorderedElementsAre("pipe", "sub"));
}

TEST(WriteFileTest, KeepsPermissionsAndFollowsALink) {
  const TemporaryFolder folder;
  write_file(folder / "real", "old");
  ::chmod((folder / "real").c_str(), 0640);
  std::filesystem::create_symlink("real", folder / "link");
  write_file(folder / "link", "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(raw_bytes(folder / "real"), "new");
  struct stat status {};
  ASSERT_EQ(::stat((folder / "real").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

TEST(WriteFileTest, IsNotStoppedByATemporaryOfACrash) {
  const TemporaryFolder folder;
  put_raw_bytes(folder / (".a.txt.tmp-" + std::to_string(::getpid())), "stale");
  write_file(folder / "a.txt", "new");
  EXPECT_EQ(raw_bytes(folder / "a.txt"), "new");
  EXPECT_THAT(folder.names(), UnorderedElementsAre("a.txt"));
}

TEST(AppendFileTest, CreatesTheFileAndAddsAtItsEnd) {
  const TemporaryFolder folder;
  append_file(folder / "log", "one\n");
  append_file(folder / "log", "two\n");
  EXPECT_EQ(raw_bytes(folder / "log"), "one\ntwo\n");
}

TEST(AppendFileTest, TakesBackATornLine) {
  const TemporaryFolder folder;
  append_file(folder / "log", "one\n");
  const std::string message = message_in_child([&] {
    limit_file_size(100);
    append_file(folder / "log", std::string(500, 'x'));
  });
  EXPECT_THAT(message, AllOf(HasSubstr("log"), HasSubstr("File too large")));
  EXPECT_EQ(raw_bytes(folder / "log"), "one\n");
}

TEST(AppendFileTest, SaysThatTheDiskIsFullOrTheFolderMissing) {
  const TemporaryFolder folder;
  // Without privileges, so that no defect of the code can harm the device.
  const std::string full = message_in_child([] {
    give_up_privileges();
    append_file("/dev/full", "x");
  });
  EXPECT_THAT(full, HasSubstr("No space left on device"));
  EXPECT_THAT(message_of<FormatError>([&] { append_file(folder / "no/log", "x"); }), HasSubstr("No such file"));
  EXPECT_THAT(message_of<FormatError>([&] { append_file(folder.path(), "x"); }), HasSubstr("Is a directory"));
}

TEST(ReadFileTest, ReadsAllUpToTheLimit) {
  const TemporaryFolder folder;
  const std::string text(200'000, 'y');
  put_raw_bytes(folder / "a", text);
  EXPECT_EQ(read_file(folder / "a"), text);
  EXPECT_EQ(read_file(folder / "a", 200'000), text);
  const auto call = [&] { read_file(folder / "a", 199'999); };
  EXPECT_THAT(message_of<FormatError>(call), HasSubstr("larger than 199999 bytes"));
  EXPECT_THAT(message_of<FormatError>([] { read_file("/dev/zero"); }), HasSubstr("larger than"));
}

TEST(ReadFileTest, SaysWhatIsWrongWithThePath) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<FormatError>([&] { read_file(folder / "none"); }), HasSubstr("No such file"));
  EXPECT_THAT(message_of<FormatError>([&] { read_file(folder.path()); }), HasSubstr("Is a directory"));
}

TEST(RemoveStaleTemporariesTest, RemovesTheseAlone) {
  const TemporaryFolder folder;
  const std::set<std::string> kept{"a.tmp-1", ".a.tmp-", ".a.tmp-1x", ".tmp-1", ".a.tmp", ".lock", "model.safetensors"};
  for (const std::string& name : kept) put_raw_bytes(folder / name, "x");
  put_raw_bytes(folder / ".model.safetensors.tmp-4711", "x");
  put_raw_bytes(folder / ".a.tmp-1.tmp-2", "x");
  std::filesystem::create_directory(folder / ".d.tmp-3");
  remove_stale_temporaries(folder.path());
  std::set<std::string> expected = kept;
  expected.insert(".d.tmp-3");
  EXPECT_EQ(folder.names(), expected);
}

TEST(RemoveStaleTemporariesTest, RemovesWhatAKilledWriterLeft) {
  const TemporaryFolder folder;
  write_file(folder / "a", "old");
  const pid_t child = ::fork();
  if (child == 0) {
    // SIGXFSZ keeps its default action: the kernel ends the process in the middle of the write.
    const rlimit limit{100'000, 100'000};
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    write_file(folder / "a", std::string(1'000'000, 'x'));
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(folder.names().size(), 2U);
  EXPECT_EQ(raw_bytes(folder / "a"), "old");
  remove_stale_temporaries(folder.path());
  EXPECT_THAT(folder.names(), UnorderedElementsAre("a"));
}

TEST(RemoveStaleTemporariesTest, SaysThatTheFolderIsMissing) {
  const TemporaryFolder folder;
  EXPECT_THAT(message_of<FormatError>([&] { remove_stale_temporaries(folder / "no"); }), HasSubstr("No such file"));
}

TEST(FolderLockTest, LetsOneHolderIn) {
  const TemporaryFolder folder;
  {
    FolderLock lock(folder.path());
    const auto second = [&] { const FolderLock other(folder.path()); };
    EXPECT_THAT(message_of<FormatError>(second),
                AllOf(HasSubstr("another process"), HasSubstr(folder.path().string())));
    EXPECT_THAT(message_in_child(second), HasSubstr("another process"));
    FolderLock moved(std::move(lock));
    EXPECT_THAT(message_of<FormatError>(second), HasSubstr("another process"));
  }
  EXPECT_NO_THROW(FolderLock again(folder.path()));
}

TEST(FolderLockTest, MoveAssignmentGivesTheOldFolderFree) {
  const TemporaryFolder one;
  const TemporaryFolder two;
  FolderLock lock(one.path());
  lock = FolderLock(two.path());
  EXPECT_NO_THROW(FolderLock again(one.path()));
  EXPECT_THROW(FolderLock again(two.path()), FormatError);
}

TEST(FolderLockTest, IsFreeAfterItsProcessDied) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(folder.path());
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(std::filesystem::exists(folder / ".lock"));
  EXPECT_NO_THROW(FolderLock lock(folder.path()));
}

TEST(FolderLockTest, SaysThatTheFolderIsMissing) {
  const TemporaryFolder folder;
  const auto call = [&] { const FolderLock lock(folder / "no"); };
  EXPECT_THAT(message_of<FormatError>(call), HasSubstr("No such file"));
}

}  // namespace
}  // namespace rushlight

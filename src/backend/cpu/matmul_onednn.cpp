#include "src/backend/cpu/matmul_onednn.h"

#include <fmt/format.h>
#include <omp.h>
#include <rushlight/error.h>

#include <array>
#include <oneapi/dnnl/dnnl.hpp>

#include "src/backend/cpu/team.h"

namespace rushlight {
namespace {

// oneDNN takes the number of threads from OpenMP's setting of the calling thread.
class ThreadScope {
 public:
  explicit ThreadScope(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
  ~ThreadScope() { omp_set_num_threads(before_); }
  ThreadScope(const ThreadScope&) = delete;
  ThreadScope& operator=(const ThreadScope&) = delete;

 private:
  int before_;
};

void check(dnnl_status_t status, const char* what) {
  if (status != dnnl_success) {
    throw DeviceError(fmt::format("oneDNN's {} failed with status {}", what, static_cast<int>(status)));
  }
}

dnnl::memory::desc describe_matrix(std::int64_t rows, std::int64_t cols, std::int64_t stride, Transpose transpose) {
  const dnnl::memory::dims strides =
      transpose == Transpose::no ? dnnl::memory::dims{stride, 1} : dnnl::memory::dims{1, stride};
  return {{rows, cols}, dnnl::memory::data_type::f32, strides};
}

dnnl::matmul::primitive_desc describe_product(const MatmulShape& shape, const dnnl::engine& engine) {
  const auto a = describe_matrix(shape.m, shape.k, shape.a_stride, shape.transpose_a);
  const auto b = describe_matrix(shape.k, shape.n, shape.b_stride, shape.transpose_b);
  const auto c = describe_matrix(shape.m, shape.n, shape.c_stride, Transpose::no);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  return {engine, a, b, c, attributes};
#else
  return {dnnl::matmul::desc(a, b, c), attributes, engine};
#endif
}

class OnednnMatmul final : public MatmulPlan {
 public:
  OnednnMatmul(const MatmulShape& shape, int threads)
      : models_(shape.models),
        threads_(threads),
        engine_(dnnl::engine::kind::cpu, 0),
        stream_(engine_),
        description_(describe_product(shape, engine_)),
        primitive_(description_),
        a_(description_.src_desc(), engine_, nullptr),
        b_(description_.weights_desc(), engine_, nullptr),
        c_(description_.dst_desc(), engine_, nullptr),
        scratchpad_(description_.scratchpad_desc(), engine_, nullptr) {}

  std::int64_t workspace_bytes() const override {
    return static_cast<std::int64_t>(description_.scratchpad_desc().get_size());
  }

  // By the C interface: the C++ one builds a map at every call.
  void run(const Matmul& product) {
    const ThreadScope scope(threads_);
    const ForeignRegion region(threads_);
    const std::array<dnnl_exec_arg_t, 4> arguments{{{DNNL_ARG_SRC, a_.get()},
                                                    {DNNL_ARG_WEIGHTS, b_.get()},
                                                    {DNNL_ARG_DST, c_.get()},
                                                    {DNNL_ARG_SCRATCHPAD, scratchpad_.get()}}};
    point(scratchpad_, product.workspace);
    for (std::int64_t model = 0; model < models_; ++model) {
      point(a_, const_cast<float*>(product.a.row(model, 0)));
      point(b_, const_cast<float*>(product.b.row(model, 0)));
      point(c_, product.c.row(model, 0));
      check(
          dnnl_primitive_execute(primitive_.get(), stream_.get(), static_cast<int>(arguments.size()), arguments.data()),
          "matrix product");
    }
  }

 private:
  static void point(const dnnl::memory& memory, void* data) {
    check(dnnl_memory_set_data_handle(memory.get(), data), "set_data_handle");
  }

  std::int64_t models_;
  int threads_;
  dnnl::engine engine_;
  dnnl::stream stream_;
  dnnl::matmul::primitive_desc description_;
  dnnl::matmul primitive_;
  dnnl::memory a_, b_, c_, scratchpad_;
};

}  // namespace

std::string onednn_version() {
  const dnnl_version_t* const version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

std::unique_ptr<MatmulPlan> prepare_onednn_matmul(const MatmulShape& shape, int threads) {
  const ThreadScope scope(threads);
  try {
    return std::make_unique<OnednnMatmul>(shape, threads);
  } catch (const dnnl::error& refusal) {
    throw DeviceError(fmt::format("oneDNN cannot multiply [{}, {}] by [{}, {}]: {}", shape.m, shape.k, shape.k, shape.n,
                                  refusal.what()));
  }
}

void run_onednn_matmul(const Matmul& product) {
  static_cast<OnednnMatmul*>(product.plan)->run(product);
}

}  // namespace rushlight

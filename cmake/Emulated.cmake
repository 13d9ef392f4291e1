# The CUDA backend as plain C++, on the emulated device of tests/emulator: no GPU and no nvcc, the toolkit's headers
# alone. For tests; such a build is not installed.
find_package(CUDAToolkit REQUIRED)
add_compile_definitions(RUSHLIGHT_EMULATED) # Of every file: the CPU's and the kernels' formulas are one function.

# Never instrumented: what it plays is hardware, and it tells the sanitizers itself what is ordered.
file(GLOB emulator_sources CONFIGURE_DEPENDS tests/emulator/*.cpp)
list(FILTER emulator_sources EXCLUDE REGEX "_test.cpp$")
add_library(rushlight_emulator SHARED ${emulator_sources})
set_target_properties(rushlight_emulator PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
target_compile_options(rushlight_emulator PRIVATE -O2)
target_include_directories(rushlight_emulator SYSTEM PUBLIC ${CUDAToolkit_INCLUDE_DIRS})
target_include_directories(rushlight_emulator PUBLIC "${PROJECT_SOURCE_DIR}")
target_link_libraries(rushlight_emulator PRIVATE rushlight_compile_options)
# Its own functions must not be replaced by instrumented ones of the same templates.
target_link_options(rushlight_emulator PRIVATE -Wl,-Bsymbolic-functions)

# By this name the engine opens cuBLAS; a real one that a test's other libraries bring along must not come first. A
# library that is loaded under its own name is found before any folder: sanitizers open libraries in ours' place, and
# know nothing of our folders.
set_target_properties(rushlight_emulator PROPERTIES NO_SONAME ON)
target_link_options(rushlight_emulator PRIVATE "LINKER:-soname,libcublas.so.${CUDAToolkit_VERSION_MAJOR}")
set(CMAKE_BUILD_RPATH "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
add_custom_command(
  TARGET rushlight_emulator POST_BUILD
  COMMAND ${CMAKE_COMMAND} -E create_symlink $<TARGET_FILE_NAME:rushlight_emulator>
          "libcublas.so.${CUDAToolkit_VERSION_MAJOR}"
  WORKING_DIRECTORY "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")

# Kernels and their launches are compiled by the C++ compiler; the emulator's kernels/device.cuh comes first.
function(rushlight_emulate target)
  target_include_directories(${target} BEFORE PRIVATE "${PROJECT_SOURCE_DIR}/tests/emulator/include")
  target_link_libraries(${target} PRIVATE rushlight_emulator)
endfunction()
set(RUSHLIGHT_CUDA_AS_CPP -include "${PROJECT_SOURCE_DIR}/tests/emulator/cuda_as_cpp.h")

file(GLOB cuda_sources CONFIGURE_DEPENDS src/backend/cuda/*.cu src/backend/cuda/*.cpp)
file(GLOB kernel_sources CONFIGURE_DEPENDS src/backend/cuda/*.cu)
set_source_files_properties(${kernel_sources} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++;${RUSHLIGHT_CUDA_AS_CPP}")
target_sources(rushlight PRIVATE ${cuda_sources})
rushlight_emulate(rushlight)
target_link_libraries(rushlight PRIVATE ${CMAKE_DL_LIBS})
set(RUSHLIGHT_CUDA_CODE "the emulated device")

# Every header compiles alone. One that a source includes first does so there; each other gets a source of its own, never
# linked.
file(
  GLOB_RECURSE headers CONFIGURE_DEPENDS
  RELATIVE "${PROJECT_SOURCE_DIR}"
  "${PROJECT_SOURCE_DIR}/include/*.h" "${PROJECT_SOURCE_DIR}/kernels/*.h" "${PROJECT_SOURCE_DIR}/src/*.h")

function(write_if_different file content)
  set(old "")
  if(EXISTS "${file}")
    file(READ "${file}" old)
  endif()
  if(NOT old STREQUAL content)
    file(WRITE "${file}" "${content}")
  endif()
endfunction()

set(first_includes "")
if(NOT CMAKE_UNITY_BUILD)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/*.cpp")
  if(NOT DEFINED CMAKE_UNITY_BUILD)
    list(FILTER sources EXCLUDE REGEX "/src/app/") # Compiled several at once.
  endif()
  if(NOT RUSHLIGHT_CUDA)
    list(FILTER sources EXCLUDE REGEX "/src/backend/cuda/")
  endif()
  foreach(source IN LISTS sources)
    file(STRINGS "${source}" directive REGEX "^#include" LIMIT_COUNT 1)
    list(APPEND first_includes "${directive}")
  endforeach()
endif()

set(all_kernels "")
foreach(header IN LISTS headers)
  set(line "#include \"${header}\"\n")
  if(header MATCHES "^include/(.*)")
    set(line "#include <${CMAKE_MATCH_1}>\n")
  elseif(header MATCHES "^kernels/")
    string(APPEND all_kernels "${line}")
  endif()
  string(STRIP "${line}" directive)
  if(NOT directive IN_LIST first_includes)
    string(REPLACE "/" "_" stem "${header}")
    set(source "${CMAKE_CURRENT_BINARY_DIR}/headers/${stem}.cpp")
    write_if_different("${source}" "${line}")
    list(APPEND header_sources "${source}")
  endif()
endforeach()

# Each in one build: the CUDA backend's where CUDA is built, all others where it is not.
if(RUSHLIGHT_CUDA)
  list(FILTER header_sources INCLUDE REGEX "/src_backend_cuda_")
else()
  list(FILTER header_sources EXCLUDE REGEX "/src_backend_cuda_")
endif()

# Neither sanitizers nor the emulated device change what compiles.
if(NOT RUSHLIGHT_SANITIZE AND NOT RUSHLIGHT_CUDA_EMULATED)
  add_library(rushlight_headers_compile_alone OBJECT ${header_sources})
  target_compile_options(rushlight_headers_compile_alone PRIVATE -O0)
  target_include_directories(rushlight_headers_compile_alone PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(
    rushlight_headers_compile_alone PRIVATE rushlight rushlight_compile_options OpenMP::OpenMP_CXX DNNL::dnnl CLI11::CLI11
                                            tomlplusplus::tomlplusplus nlohmann_json::nlohmann_json fmt::fmt)
endif()

# Every formula also compiles under nvcc, and so do the kernels.
if(RUSHLIGHT_CUDA)
  file(GLOB device_headers CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/kernels/*.cuh")
  foreach(header IN LISTS device_headers)
    string(APPEND all_kernels "#include \"${header}\"\n")
  endforeach()
  write_if_different("${CMAKE_CURRENT_BINARY_DIR}/headers/all_kernels.cu" "${all_kernels}")
  add_library(rushlight_kernels_compile_under_nvcc OBJECT "${CMAKE_CURRENT_BINARY_DIR}/headers/all_kernels.cu")
  target_include_directories(rushlight_kernels_compile_under_nvcc PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(rushlight_kernels_compile_under_nvcc PRIVATE rushlight rushlight_compile_options)
endif()

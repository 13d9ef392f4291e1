# The CUDA backend, as part of the library. CMAKE_CUDA_ARCHITECTURES says for which GPUs; without it, all that
# Rushlight is made for and the toolkit knows, with PTX for later ones.
set(rushlight_architectures 80 86 89 90 100 120)

function(rushlight_known_architectures result)
  execute_process(COMMAND "${CMAKE_CUDA_COMPILER}" --list-gpu-code OUTPUT_VARIABLE known ERROR_VARIABLE error
                  RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "This nvcc does not run: ${CMAKE_CUDA_COMPILER} (${status}) ${error}\n"
                        "Name another one with -DCMAKE_CUDA_COMPILER=<file> or CUDACXX, or use the preset cpu.")
  endif()
  set(found "")
  foreach(architecture IN LISTS rushlight_architectures)
    if(known MATCHES "sm_${architecture}\n")
      list(APPEND found "${architecture}-real")
      set(newest "${architecture}")
    endif()
  endforeach()
  set(${result} ${found} ${newest}-virtual PARENT_SCOPE)
endfunction()

# `80-real;90` as a person reads it: `sm_80, sm_90 and PTX for later ones`.
function(rushlight_describe_architectures result)
  set(code "")
  set(ptx "")
  set(architectures ${CMAKE_CUDA_ARCHITECTURES})
  if(architectures STREQUAL "native" AND CMAKE_CUDA_ARCHITECTURES_NATIVE)
    set(architectures ${CMAKE_CUDA_ARCHITECTURES_NATIVE})
  endif()
  foreach(architecture IN LISTS architectures)
    if(architecture MATCHES "^([0-9]+[a-z]?)-virtual$")
      set(ptx " and PTX for later ones")
    elseif(architecture MATCHES "^([0-9]+[a-z]?)(-real)?$")
      list(APPEND code "sm_${CMAKE_MATCH_1}")
      if(NOT CMAKE_MATCH_2)
        set(ptx " and PTX for later ones")
      endif()
    else()
      list(APPEND code "${architecture}") # all, all-major
    endif()
  endforeach()
  list(JOIN code ", " code)
  set(${result} "${code}${ptx}" PARENT_SCOPE)
endfunction()

if(NOT CMAKE_CUDA_COMPILER AND DEFINED ENV{CUDACXX})
  set(CMAKE_CUDA_COMPILER "$ENV{CUDACXX}")
endif()
if(NOT CMAKE_CUDA_COMPILER)
  find_program(CMAKE_CUDA_COMPILER nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
  if(NOT CMAKE_CUDA_COMPILER)
    message(FATAL_ERROR "RUSHLIGHT_CUDA is on, and no nvcc was found on PATH, in CUDA_PATH or in /usr/local/cuda/bin. "
                        "Name it with -DCMAKE_CUDA_COMPILER=<file>, or use the preset cpu.")
  endif()
endif()
if(NOT CMAKE_CUDA_ARCHITECTURES)
  rushlight_known_architectures(CMAKE_CUDA_ARCHITECTURES)
endif()
if(NOT CMAKE_CUDA_HOST_COMPILER)
  set(CMAKE_CUDA_HOST_COMPILER "${CMAKE_CXX_COMPILER}")
endif()
enable_language(CUDA)
find_package(CUDAToolkit 12.4 REQUIRED)

# CMake 3.25 does not know yet that nvcc speaks C++20.
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
  list(APPEND CMAKE_CUDA_COMPILE_FEATURES cuda_std_20)
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
set(CMAKE_CUDA_RUNTIME_LIBRARY Static)

# The floating-point rules of the host compiler hold for both halves. -Wconversion and -Wshadow stay out: the code that
# nvcc writes around a kernel does not keep them, and the headers are checked by the host compiler anyway.
set(cuda_host_flags -Wall -Wextra -ffp-contract=off -fno-math-errno -fno-trapping-math)
if(RUSHLIGHT_WERROR)
  list(APPEND cuda_host_flags -Werror)
  target_compile_options(rushlight_compile_options
                         INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Werror all-warnings>")
endif()
list(JOIN cuda_host_flags "," cuda_host_flags)
target_compile_options(
  rushlight_compile_options
  INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:--fmad=false> "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Xcompiler=${cuda_host_flags}>")

file(GLOB cuda_sources CONFIGURE_DEPENDS src/backend/cuda/*.cu src/backend/cuda/*.cpp)
target_sources(rushlight PRIVATE ${cuda_sources})
set_target_properties(rushlight PROPERTIES CUDA_ARCHITECTURES "${CMAKE_CUDA_ARCHITECTURES}") # It was made before.
target_link_libraries(rushlight PRIVATE CUDA::cudart_static ${CMAKE_DL_LIBS})
rushlight_describe_architectures(RUSHLIGHT_CUDA_CODE)

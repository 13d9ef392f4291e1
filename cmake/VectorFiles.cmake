# Files that are compiled for one set of vectors each, whatever the rest is built for, and optimized in every build:
# src/backend/cpu/*_<vectors>.cpp.
set(baseline_options -O3)
set(avx2_options -O3)
set(avx512_options -O3)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  list(APPEND avx2_options -mavx2 -mfma)
  list(APPEND avx512_options -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
endif()
foreach(vectors baseline avx2 avx512)
  file(GLOB vector_files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/backend/cpu/*_${vectors}.cpp")
  set_source_files_properties(${vector_files} PROPERTIES COMPILE_OPTIONS "${${vectors}_options}")
endforeach()

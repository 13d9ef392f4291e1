# Files that are compiled for one set of vectors each, whatever the rest is built for, and optimized in every build:
# src/backend/cpu/*_<vectors>.cpp.
# Products' innermost loops are fetched from three lines where they start in the middle of one: 4 % of an epoch.
set(baseline_options -O3 -falign-loops=64)
set(avx2_options ${baseline_options})
set(avx512_options ${baseline_options})
set(avx512bf16_options ${baseline_options})
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  list(APPEND avx2_options -mavx2 -mfma)
  list(APPEND avx512_options -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512)
  set(avx512bf16_options ${avx512_options} -mavx512bf16)
endif()
foreach(vectors baseline avx2 avx512 avx512bf16)
  file(GLOB vector_files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/backend/cpu/*_${vectors}.cpp")
  set_source_files_properties(${vector_files} PROPERTIES COMPILE_OPTIONS "${${vectors}_options}")
endforeach()

# What this build is, as generated/build_info.h. Made anew before each build, and replaced only when it says something
# else: a commit then recompiles the one file that includes it.
set(build_info_dir "${PROJECT_BINARY_DIR}/generated")

string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type_upper)
string(STRIP "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type_upper}}" build_info_flags)

add_custom_target(
  rushlight_build_info
  COMMAND
    ${CMAKE_COMMAND} "-DSOURCE_DIR=${PROJECT_SOURCE_DIR}" "-DOUTPUT=${build_info_dir}/build_info.h"
    "-DVERSION=${PROJECT_VERSION}" "-DCXX_COMPILER=${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}"
    "-DCXX_FLAGS=${build_info_flags}" "-DBUILD_TYPE=${CMAKE_BUILD_TYPE}"
    "-DSANITIZERS=${RUSHLIGHT_SANITIZE}" -P "${CMAKE_CURRENT_LIST_DIR}/WriteBuildInfo.cmake"
  BYPRODUCTS "${build_info_dir}/build_info.h"
  COMMENT "Checking the commit"
  VERBATIM)
add_dependencies(rushlight rushlight_build_info)
target_include_directories(rushlight PRIVATE "${build_info_dir}")

# `cmake --build --preset cuda --target profile`: the lab under Nsight Systems and Nsight Compute, into <build>/profile.
add_custom_target(
  profile
  COMMAND "${PROJECT_SOURCE_DIR}/scripts/profile.sh" --build "${PROJECT_BINARY_DIR}"
  USES_TERMINAL VERBATIM
  COMMENT "Profiling the lab: docs/profiling.md")
add_dependencies(profile rushlight_program)

# The library, its headers, the program, and a package for find_package(rushlight).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/rushlight")

install(TARGETS rushlight_program)
# The sanitizers go along: what links an instrumented library has to be instrumented too. Without them it is empty.
install(TARGETS rushlight rushlight_sanitizers EXPORT rushlight_targets)
install(DIRECTORY include/rushlight DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/rushlight")
install(EXPORT rushlight_targets NAMESPACE rushlight:: FILE rushlight-targets.cmake DESTINATION "${package_dir}")

configure_package_config_file(cmake/rushlight-config.cmake.in "${PROJECT_BINARY_DIR}/rushlight-config.cmake"
                              INSTALL_DESTINATION "${package_dir}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/rushlight-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/rushlight-config.cmake" "${PROJECT_BINARY_DIR}/rushlight-config-version.cmake"
              cmake/FindOneDnn.cmake
        DESTINATION "${package_dir}")

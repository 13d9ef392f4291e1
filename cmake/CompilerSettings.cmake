# The language, warnings, floating-point rules and sanitizers; the last three as interface targets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

# Errors only with the compiler that the project is checked with: a later one knows more warnings.
set(werror_default OFF)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(werror_default ON)
endif()
option(RUSHLIGHT_WERROR "Warnings are errors" ${werror_default})

add_library(rushlight_compile_options INTERFACE)
target_compile_options(
  rushlight_compile_options
  INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall>
    $<$<COMPILE_LANGUAGE:CXX>:-Wextra>
    $<$<COMPILE_LANGUAGE:CXX>:-Wconversion>
    $<$<COMPILE_LANGUAGE:CXX>:-Wshadow>
    $<$<AND:$<BOOL:${RUSHLIGHT_WERROR}>,$<COMPILE_LANGUAGE:CXX>>:-Werror>
    # The same bits on every backend: no contraction. The other two change no value, and let loops be vectorised.
    $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-math-errno>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-trapping-math>)

add_library(rushlight_sanitizers INTERFACE)
if(RUSHLIGHT_SANITIZE)
  target_compile_options(rushlight_sanitizers INTERFACE -fsanitize=${RUSHLIGHT_SANITIZE} -fno-omit-frame-pointer
                                                        -fno-sanitize-recover=all)
  # GCC's own manual: with sanitizers this warning is often wrong. The other presets keep it.
  target_compile_options(rushlight_sanitizers INTERFACE -Wno-maybe-uninitialized)
  target_link_options(rushlight_sanitizers INTERFACE -fsanitize=${RUSHLIGHT_SANITIZE})
endif()
if(RUSHLIGHT_COVERAGE)
  target_compile_options(rushlight_sanitizers INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(rushlight_sanitizers INTERFACE --coverage)
endif()

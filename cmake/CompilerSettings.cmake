# Warnings, floating-point rules and sanitizers, as interface targets.
add_library(rushlight_compile_options INTERFACE)
target_compile_options(
  rushlight_compile_options
  INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall>
    $<$<COMPILE_LANGUAGE:CXX>:-Wextra>
    $<$<COMPILE_LANGUAGE:CXX>:-Wconversion>
    $<$<COMPILE_LANGUAGE:CXX>:-Wshadow>
    $<$<COMPILE_LANGUAGE:CXX>:-Werror>
    # The same bits on every backend: no contraction. The other two change no value, and let loops be vectorised.
    $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-math-errno>
    $<$<COMPILE_LANGUAGE:CXX>:-fno-trapping-math>
    $<$<COMPILE_LANGUAGE:CXX>:-march=${RUSHLIGHT_ARCH}>)

add_library(rushlight_sanitizers INTERFACE)
if(RUSHLIGHT_SANITIZE)
  target_compile_options(rushlight_sanitizers INTERFACE -fsanitize=${RUSHLIGHT_SANITIZE} -fno-omit-frame-pointer
                                                        -fno-sanitize-recover=all)
  target_link_options(rushlight_sanitizers INTERFACE -fsanitize=${RUSHLIGHT_SANITIZE})
endif()
if(RUSHLIGHT_COVERAGE)
  target_compile_options(rushlight_sanitizers INTERFACE --coverage)
  target_link_options(rushlight_sanitizers INTERFACE --coverage)
endif()

# The flags that all of our own code is held to.
add_library(strict INTERFACE)
target_compile_options(strict INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wformat=2 -Werror)
# Designated initialisers leave the rest to the members' own defaults, on purpose.
target_compile_options(strict INTERFACE -Wno-missing-field-initializers)
target_link_libraries(strict INTERFACE Threads::Threads)
if(ESPALIER_SANITIZE)
  target_compile_options(strict INTERFACE -fsanitize=${ESPALIER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(strict INTERFACE -fsanitize=${ESPALIER_SANITIZE})
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these for code inlined from its own library and from foreign headers.
  target_compile_options(strict INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-tsan)
endif()

# room(NAME USES rooms... FOREIGN targets...): the library lib/NAME. USES is public, FOREIGN stays private.
function(room name)
  cmake_parse_arguments(arg "" "" "USES;FOREIGN" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/lib/${name}/*.cpp)
  if(NOT sources)
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${arg_USES})
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/lib)
  target_link_libraries(${name} PUBLIC ${arg_USES} PRIVATE strict ${arg_FOREIGN})
  foreach(foreign IN LISTS arg_FOREIGN)
    target_include_directories(${name} SYSTEM PRIVATE $<TARGET_PROPERTY:${foreign},INTERFACE_INCLUDE_DIRECTORIES>)
  endforeach()
endfunction()

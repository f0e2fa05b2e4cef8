# embed_web(ROOM): puts the dashboard's files into a room, as its assets.h gives them out.
set(uplot ${CMAKE_SOURCE_DIR}/web/node_modules/uplot/dist)
if(NOT EXISTS ${uplot}/uPlot.iife.min.js)
  message(FATAL_ERROR "web/node_modules is missing: scripts/setup fetches what web/package.json names")
endif()
find_program(CMARK cmark-gfm REQUIRED)

function(embed_web room)
  set(web ${CMAKE_SOURCE_DIR}/web)
  set(files "/=${web}/index.html" "/assets/uplot.js=${uplot}/uPlot.iife.min.js"
    "/assets/uplot.css=${uplot}/uPlot.min.css")
  file(GLOB assets CONFIGURE_DEPENDS ${web}/*.js ${web}/*.css ${web}/*.svg)
  foreach(asset IN LISTS assets)
    get_filename_component(name ${asset} NAME)
    list(APPEND files "/assets/${name}=${asset}")
  endforeach()
  # The documentation is written in Markdown, and read there as a page.
  file(GLOB pages CONFIGURE_DEPENDS ${web}/docs/*.md)
  foreach(page IN LISTS pages)
    get_filename_component(name ${page} NAME_WE)
    set(html ${CMAKE_BINARY_DIR}/docs/${name}.html)
    add_custom_command(OUTPUT ${html}
      COMMAND ${CMAKE_COMMAND} -DCMARK=${CMARK} -DPAGE=${page} -DFRAME=${web}/docs/frame.html
        -DOUTPUT=${html} -P ${CMAKE_SOURCE_DIR}/cmake/page.cmake
      DEPENDS ${page} ${web}/docs/frame.html ${CMAKE_SOURCE_DIR}/cmake/page.cmake VERBATIM)
    if(name STREQUAL "index")
      list(APPEND files "/docs=${html}")
    else()
      list(APPEND files "/docs/${name}=${html}")
    endif()
  endforeach()
  set(sources ${files})
  list(TRANSFORM sources REPLACE "^[^=]*=" "")
  set(code ${CMAKE_BINARY_DIR}/embedded.cpp)
  add_custom_command(OUTPUT ${code}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${code} "-DFILES=${files}" -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${sources} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
  target_sources(${room} PRIVATE ${code})
endfunction()

# Makes a page of the documentation out of Markdown (GitHub's kind):
#   cmake -DCMARK=cmark-gfm -DPAGE=x.md -DFRAME=frame.html -DOUTPUT=x.html -P page.cmake
execute_process(COMMAND ${CMARK} -e table -e autolink --to html ${PAGE}
  OUTPUT_VARIABLE BODY COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "<h1>([^<]*)</h1>" matched "${BODY}")
set(TITLE "${CMAKE_MATCH_1}")
# What is a file in the repository is a path here.
string(REGEX REPLACE "href=\"index\\.md" "href=\"/docs" BODY "${BODY}")
string(REGEX REPLACE "href=\"([a-z-]+)\\.md" "href=\"/docs/\\1" BODY "${BODY}")
# Wide tables scroll by themselves, by keyboard, too.
string(REPLACE "<table>" "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table\"><table>" BODY "${BODY}")
string(REPLACE "</table>" "</table></div>" BODY "${BODY}")
string(REPLACE "<pre>" "<pre tabindex=\"0\">" BODY "${BODY}")
configure_file(${FRAME} ${OUTPUT} @ONLY)

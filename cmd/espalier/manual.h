// `espalier manual`: the manual page, in man(7)'s language.
#pragma once

#include <string>

#include "command_line.h"

namespace espalier::command {

std::string manual_page(const CommandLine& line, std::string_view version);

}  // namespace espalier::command

// describe() writes the reference of all keys from the tables that also read them.
#pragma once

#include <string>

namespace espalier::settings {

// Markdown: one table (name, type, default, meaning) per section.
std::string describe();

}  // namespace espalier::settings

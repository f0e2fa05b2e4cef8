// The dashboard's pages and what they are made of, with the headers that keep them harmless.
//
// Pure functions.
#pragma once

#include <string_view>

#include "http/reply.h"

namespace espalier::gateway {

// What the build has embedded at this path, or a 404.
http::Reply page(std::string_view path);
// A stream of the dashboard's events; nothing: there are too many.
http::Reply events(std::shared_ptr<http::Source> stream);

}  // namespace espalier::gateway

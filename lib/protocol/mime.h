// MIME types of blobs and the file extensions that stand for them.
//
// Views returned here point to constants and live for ever.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace espalier::protocol {

inline constexpr std::string_view kUnknownMime = "application/octet-stream";
inline constexpr std::string_view kUnknownExtension = "bin";

// The usual extension without its dot, "bin" if unknown. Case and parameters after ';' do
// not matter.
std::string_view extension_of(std::string_view mime);
// The type an extension (without its dot, any case) stands for, else kUnknownMime.
std::string_view mime_of(std::string_view extension);
// The type that the first bytes of a blob show by their magic numbers, "" if none is known.
// 64 bytes are enough for all of them.
std::string_view sniff(std::span<const std::byte> first_bytes);
// A Content-Type that is safe to store and to send again: a lower-case "type/subtype", its
// parameters kept as they are if each is well-formed (RFC 9110 section 8.3.1) and dropped
// together if not; kUnknownMime for anything else or anything above 255 bytes.
std::string clean_mime(std::string_view content_type);
// The same without its parameters: "type/subtype".
std::string media_type(std::string_view content_type);

}  // namespace espalier::protocol

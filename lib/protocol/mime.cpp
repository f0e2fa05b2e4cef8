#include "protocol/mime.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace espalier::protocol {
namespace {

struct Pair {
    std::string_view mime;
    std::string_view extension;
};

// A type's first row gives its extension, an extension's first row its type.
constexpr auto kPairs = std::to_array<Pair>({
    {"image/jpeg", "jpg"},
    {"image/png", "png"},
    {"image/webp", "webp"},
    {"image/gif", "gif"},
    {"image/avif", "avif"},
    {"image/svg+xml", "svg"},
    {"video/mp4", "mp4"},
    {"video/webm", "webm"},
    {"video/quicktime", "mov"},
    {"audio/mpeg", "mp3"},
    {"audio/mp4", "m4a"},
    {"audio/ogg", "ogg"},
    {"application/pdf", "pdf"},
    {"application/zip", "zip"},
    {"application/octet-stream", "bin"},
    {"image/jpeg", "jpeg"},
    {"image/jpeg", "jpe"},
    {"image/jpg", "jpg"},
    {"image/heic", "heic"},
    {"image/heif", "heif"},
    {"image/jxl", "jxl"},
    {"image/apng", "apng"},
    {"image/bmp", "bmp"},
    {"image/tiff", "tiff"},
    {"image/tiff", "tif"},
    {"image/x-icon", "ico"},
    {"image/vnd.microsoft.icon", "ico"},
    {"image/vnd.adobe.photoshop", "psd"},
    {"video/x-matroska", "mkv"},
    {"video/x-msvideo", "avi"},
    {"video/mpeg", "mpeg"},
    {"video/mpeg", "mpg"},
    {"video/mp2t", "ts"},
    {"video/ogg", "ogv"},
    {"video/3gpp", "3gp"},
    {"video/3gpp2", "3g2"},
    {"video/x-m4v", "m4v"},
    {"video/x-flv", "flv"},
    {"video/x-ms-wmv", "wmv"},
    {"audio/mp3", "mp3"},
    {"audio/x-m4a", "m4a"},
    {"audio/aac", "aac"},
    {"audio/ogg", "oga"},
    {"audio/opus", "opus"},
    {"audio/flac", "flac"},
    {"audio/x-flac", "flac"},
    {"audio/wav", "wav"},
    {"audio/x-wav", "wav"},
    {"audio/wave", "wav"},
    {"audio/webm", "weba"},
    {"audio/aiff", "aiff"},
    {"audio/aiff", "aif"},
    {"audio/midi", "mid"},
    {"audio/midi", "midi"},
    {"audio/mpegurl", "m3u"},
    {"application/vnd.apple.mpegurl", "m3u8"},
    {"application/x-mpegurl", "m3u8"},
    {"application/dash+xml", "mpd"},
    {"text/plain", "txt"},
    {"text/html", "html"},
    {"text/html", "htm"},
    {"text/css", "css"},
    {"text/javascript", "js"},
    {"text/javascript", "mjs"},
    {"application/javascript", "js"},
    {"text/csv", "csv"},
    {"text/markdown", "md"},
    {"text/calendar", "ics"},
    {"text/vcard", "vcf"},
    {"text/vtt", "vtt"},
    {"text/xml", "xml"},
    {"application/xml", "xml"},
    {"application/json", "json"},
    {"application/ld+json", "jsonld"},
    {"application/yaml", "yaml"},
    {"application/yaml", "yml"},
    {"application/toml", "toml"},
    {"application/manifest+json", "webmanifest"},
    {"application/wasm", "wasm"},
    {"application/gzip", "gz"},
    {"application/x-gzip", "gz"},
    {"application/x-tar", "tar"},
    {"application/x-bzip2", "bz2"},
    {"application/x-xz", "xz"},
    {"application/zstd", "zst"},
    {"application/x-7z-compressed", "7z"},
    {"application/vnd.rar", "rar"},
    {"application/x-rar-compressed", "rar"},
    {"application/epub+zip", "epub"},
    {"application/rtf", "rtf"},
    {"application/msword", "doc"},
    {"application/vnd.ms-excel", "xls"},
    {"application/vnd.ms-powerpoint", "ppt"},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"},
    {"application/vnd.oasis.opendocument.text", "odt"},
    {"application/vnd.oasis.opendocument.spreadsheet", "ods"},
    {"application/vnd.oasis.opendocument.presentation", "odp"},
    {"application/vnd.sqlite3", "sqlite"},
    {"application/vnd.android.package-archive", "apk"},
    {"application/java-archive", "jar"},
    {"application/x-bittorrent", "torrent"},
    {"application/x-apple-diskimage", "dmg"},
    {"application/x-iso9660-image", "iso"},
    {"application/vnd.debian.binary-package", "deb"},
    {"application/x-msdownload", "exe"},
    {"model/gltf-binary", "glb"},
    {"model/gltf+json", "gltf"},
    {"model/stl", "stl"},
    {"font/woff", "woff"},
    {"font/woff2", "woff2"},
    {"font/ttf", "ttf"},
    {"font/otf", "otf"},
});

std::string_view without_parameters(std::string_view mime) {
    return base::trim(mime.substr(0, mime.find(';')));
}

// RFC 9110 section 5.6.2.
bool is_token_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_token_character);
}

// Printable ASCII without escapes: all that charset and codecs need.
bool is_quoted(std::string_view text) {
    return text.size() >= 2 && text.front() == '"' && text.back() == '"' &&
           std::ranges::all_of(text.substr(1, text.size() - 2), [](char c) {
               return c >= ' ' && c <= '~' && c != '"' && c != '\\' && c != ';';
           });
}

bool is_parameter(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return false;
    const auto value = text.substr(equals + 1);
    return is_token(text.substr(0, equals)) && (is_token(value) || is_quoted(value));
}

bool are_parameters(std::string_view text) {
    return std::ranges::all_of(base::split(text, ';'), [](std::string_view parameter) {
        return is_parameter(base::trim(parameter));
    });
}

}  // namespace

std::string_view extension_of(std::string_view mime) {
    const auto type = without_parameters(mime);
    const auto* const found = std::ranges::find_if(
        kPairs, [&](const Pair& pair) { return base::equal_ignoring_case(pair.mime, type); });
    return found == kPairs.end() ? kUnknownExtension : found->extension;
}

std::string_view mime_of(std::string_view extension) {
    const auto* const found = std::ranges::find_if(kPairs, [&](const Pair& pair) {
        return base::equal_ignoring_case(pair.extension, extension);
    });
    return found == kPairs.end() ? kUnknownMime : found->mime;
}

std::string clean_mime(std::string_view content_type) {
    constexpr std::size_t kBytesMax = 255;
    const auto type = without_parameters(content_type);
    const auto slash = type.find('/');
    if (content_type.size() > kBytesMax || slash == std::string_view::npos ||
        !is_token(type.substr(0, slash)) || !is_token(type.substr(slash + 1)))
        return std::string(kUnknownMime);
    auto clean = base::ascii_lower(type);
    const auto semicolon = content_type.find(';');
    if (semicolon == std::string_view::npos) return clean;
    const auto parameters = content_type.substr(semicolon + 1);
    if (are_parameters(parameters))
        base::append_text(clean, base::text("; ", base::trim(parameters)));
    return clean;
}

std::string media_type(std::string_view content_type) {
    return std::string(without_parameters(clean_mime(content_type)));
}

}  // namespace espalier::protocol

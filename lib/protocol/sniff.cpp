#include <algorithm>
#include <array>

#include "protocol/mime.h"

namespace espalier::protocol {
namespace {

using namespace std::string_view_literals;

struct Magic {
    std::size_t offset;
    std::string_view bytes;
    std::string_view mime;
};

// The first row that fits wins.
constexpr auto kMagics = std::to_array<Magic>({
    {0, "\xff\xd8\xff"sv, "image/jpeg"},
    {0, "\x89PNG\r\n\x1a\n"sv, "image/png"},
    {0, "GIF87a"sv, "image/gif"},
    {0, "GIF89a"sv, "image/gif"},
    {0, "II*\0"sv, "image/tiff"},
    {0, "MM\0*"sv, "image/tiff"},
    {0, "\0\0\x01\0"sv, "image/x-icon"},
    {0, "8BPS"sv, "image/vnd.adobe.photoshop"},
    {0, "\xff\x0a"sv, "image/jxl"},
    {0, "\0\0\0\x0cJXL \r\n\x87\n"sv, "image/jxl"},
    {0, "\x00\x00\x01\xba"sv, "video/mpeg"},
    {0, "\x00\x00\x01\xb3"sv, "video/mpeg"},
    {0, "FLV\x01"sv, "video/x-flv"},
    {0, "ID3"sv, "audio/mpeg"},
    {0, "\xff\xfb"sv, "audio/mpeg"},
    {0, "\xff\xf3"sv, "audio/mpeg"},
    {0, "\xff\xf2"sv, "audio/mpeg"},
    {0, "\xff\xf1"sv, "audio/aac"},
    {0, "\xff\xf9"sv, "audio/aac"},
    {0, "fLaC"sv, "audio/flac"},
    {0, "MThd"sv, "audio/midi"},
    {28, "OpusHead"sv, "audio/opus"},
    {28, "\x80theora"sv, "video/ogg"},
    {0, "OggS"sv, "audio/ogg"},
    {0, "%PDF-"sv, "application/pdf"},
    {30, "mimetypeapplication/epub+zip"sv, "application/epub+zip"},
    {0, "PK\x03\x04"sv, "application/zip"},
    {0, "PK\x05\x06"sv, "application/zip"},
    {0, "\x1f\x8b"sv, "application/gzip"},
    {0, "7z\xbc\xaf\x27\x1c"sv, "application/x-7z-compressed"},
    {0, "Rar!\x1a\x07"sv, "application/vnd.rar"},
    {0,
     "\xfd"
     "7zXZ\0"sv,
     "application/x-xz"},
    {4, "1AY&SY"sv, "application/x-bzip2"},
    {0, "\x28\xb5\x2f\xfd"sv, "application/zstd"},
    {0, "\0asm"sv, "application/wasm"},
    {0, "SQLite format 3\0"sv, "application/vnd.sqlite3"},
    {0, "wOFF"sv, "font/woff"},
    {0, "wOF2"sv, "font/woff2"},
});

struct Brand {
    std::string_view name;
    std::string_view mime;
};

// The major brands of ISO media files (ISO 14496-12) that are not simply video/mp4.
constexpr auto kBrands = std::to_array<Brand>({
    {"avif", "image/avif"},
    {"avis", "image/avif"},
    {"heic", "image/heic"},
    {"heix", "image/heic"},
    {"mif1", "image/heif"},
    {"msf1", "image/heif"},
    {"qt  ", "video/quicktime"},
    {"M4A ", "audio/mp4"},
    {"M4B ", "audio/mp4"},
    {"M4V ", "video/x-m4v"},
    {"3gp4", "video/3gpp"},
    {"3gp5", "video/3gpp"},
    {"3gp6", "video/3gpp"},
});

std::string_view at(std::string_view bytes, std::size_t offset, std::size_t size) {
    return offset <= bytes.size() ? bytes.substr(offset, size) : std::string_view{};
}

std::string_view of_iso_media(std::string_view brand) {
    const auto* const found = std::ranges::find(kBrands, brand, &Brand::name);
    return found == kBrands.end() ? "video/mp4" : found->mime;
}

// RIFF and IFF files name what they hold after their length.
std::string_view of_chunks(std::string_view outer, std::string_view inner) {
    if (outer == "RIFF" && inner == "WEBP") return "image/webp";
    if (outer == "RIFF" && inner == "WAVE") return "audio/wav";
    if (outer == "RIFF" && inner == "AVI ") return "video/x-msvideo";
    if (outer == "FORM" && (inner == "AIFF" || inner == "AIFC")) return "audio/aiff";
    return {};
}

}  // namespace

std::string_view sniff(std::span<const std::byte> first_bytes) {
    const std::string_view bytes(reinterpret_cast<const char*>(first_bytes.data()),
                                 first_bytes.size());
    if (at(bytes, 4, 4) == "ftyp" && bytes.size() >= 12) return of_iso_media(at(bytes, 8, 4));
    if (bytes.starts_with("\x1a\x45\xdf\xa3"))
        return at(bytes, 0, 64).find("webm") != std::string_view::npos ? "video/webm"
                                                                       : "video/x-matroska";
    if (const auto chunks = of_chunks(at(bytes, 0, 4), at(bytes, 8, 4)); !chunks.empty())
        return chunks;
    // Its two letters alone are too common; the four bytes after the length are reserved.
    if (bytes.starts_with("BM") && at(bytes, 6, 4) == "\0\0\0\0"sv) return "image/bmp";
    const auto* const magic = std::ranges::find_if(kMagics, [&](const Magic& row) {
        return at(bytes, row.offset, row.bytes.size()) == row.bytes;
    });
    return magic == kMagics.end() ? std::string_view{} : magic->mime;
}

}  // namespace espalier::protocol

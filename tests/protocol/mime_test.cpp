#include "protocol/mime.h"

#include <string>

#include <doctest/doctest.h>

namespace espalier::protocol {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

std::string_view sniff_text(std::string_view bytes) {
    return sniff(std::as_bytes(std::span(bytes)));
}

}  // namespace

TEST_CASE("the common types have their usual extensions, and back") {
    struct Row {
        std::string_view mime, extension;
    };
    for (const auto& [mime, extension] :
         {Row{"image/jpeg", "jpg"}, Row{"image/png", "png"}, Row{"image/gif", "gif"},
          Row{"image/webp", "webp"}, Row{"image/avif", "avif"}, Row{"image/svg+xml", "svg"},
          Row{"video/mp4", "mp4"}, Row{"video/webm", "webm"}, Row{"video/quicktime", "mov"},
          Row{"audio/mpeg", "mp3"}, Row{"audio/ogg", "ogg"}, Row{"audio/flac", "flac"},
          Row{"application/pdf", "pdf"}, Row{"application/zip", "zip"}, Row{"text/plain", "txt"},
          Row{"text/html", "html"}, Row{"application/json", "json"},
          Row{"application/octet-stream", "bin"}}) {
        CHECK(extension_of(mime) == extension);
        CHECK(mime_of(extension) == mime);
    }
}

TEST_CASE("several names of one type lead to the usual one") {
    CHECK(mime_of("jpeg") == "image/jpeg");
    CHECK(mime_of("htm") == "text/html");
    CHECK(extension_of("image/jpg") == "jpg");
    CHECK(extension_of("audio/x-wav") == "wav");
}

TEST_CASE("case and parameters of a type do not matter, unknown types are bytes") {
    CHECK(extension_of("Image/PNG") == "png");
    CHECK(extension_of(" text/plain ; charset=utf-8") == "txt");
    CHECK(mime_of("PNG") == "image/png");
    CHECK(extension_of("application/x-unheard-of") == "bin");
    CHECK(extension_of("") == "bin");
    CHECK(extension_of(";") == "bin");
    CHECK(mime_of("unheard") == "application/octet-stream");
    CHECK(mime_of("") == "application/octet-stream");
    CHECK(mime_of(".png") == "application/octet-stream");
}

TEST_CASE("first bytes show the type") {
    CHECK(sniff_text("\xff\xd8\xff\xe0\0\x10JFIF"sv) == "image/jpeg");
    CHECK(sniff_text("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"sv) == "image/png");
    CHECK(sniff_text("GIF89a\1\0\1\0"sv) == "image/gif");
    CHECK(sniff_text("RIFF\x24\0\0\0WEBPVP8 "sv) == "image/webp");
    CHECK(sniff_text("RIFF\x24\0\0\0WAVEfmt "sv) == "audio/wav");
    CHECK(sniff_text("RIFF\x24\0\0\0AVI LIST"sv) == "video/x-msvideo");
    CHECK(sniff_text("FORM\0\0\0\x24"
                     "AIFFCOMM"sv) == "audio/aiff");
    CHECK(sniff_text("\0\0\0\x1c"
                     "ftypavif\0\0\0\0"sv) == "image/avif");
    CHECK(sniff_text("\0\0\0\x18"
                     "ftypheic\0\0\0\0"sv) == "image/heic");
    CHECK(sniff_text("\0\0\0\x20"
                     "ftypisom\0\0\2\0"sv) == "video/mp4");
    CHECK(sniff_text("\0\0\0\x14"
                     "ftypqt  \0\0\0\0"sv) == "video/quicktime");
    CHECK(sniff_text("\0\0\0\x1c"
                     "ftypM4A \0\0\0\0"sv) == "audio/mp4");
    CHECK(sniff_text("\x1a\x45\xdf\xa3\x9f\x42\x86\x81\1\x42\x82\x84webm"sv) == "video/webm");
    CHECK(sniff_text("\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska"sv) == "video/x-matroska");
    CHECK(sniff_text("ID3\4\0\0"sv) == "audio/mpeg");
    CHECK(sniff_text("fLaC\0\0\0\x22"sv) == "audio/flac");
    CHECK(sniff_text("OggS\0\2"s + std::string(22, '\0') + "OpusHead\1") == "audio/opus");
    CHECK(sniff_text("OggS\0\2"s + std::string(22, '\0') + "\x01vorbis") == "audio/ogg");
    CHECK(sniff_text("BM\x36\0\0\0\0\0\0\0\x36\0"sv) == "image/bmp");
    CHECK(sniff_text("%PDF-1.7\n"sv) == "application/pdf");
    CHECK(sniff_text("PK\3\4\x14\0"sv) == "application/zip");
    CHECK(sniff_text("\x1f\x8b\x08\0"sv) == "application/gzip");
    CHECK(sniff_text("\xfd"
                     "7zXZ\0\0"sv) == "application/x-xz");
    CHECK(sniff_text("\0asm\1\0\0\0"sv) == "application/wasm");
    CHECK(sniff_text("BZh91AY&SY"sv) == "application/x-bzip2");
}

TEST_CASE("text, short and empty blobs show no type") {
    for (const auto bytes : {""sv, "a"sv, "hello world"sv, "BMW is a car maker"sv, "<html>"sv,
                             "PK"sv, "\xff"sv, "RIFF"sv, "RIFF\x24\0\0\0WEB"sv,
                             "\0\0\0\x20"
                             "ftyp"sv})
        CHECK(sniff_text(bytes).empty());
}

TEST_CASE("what is sniffed has an extension of its own") {
    for (const auto bytes : {"\xff\xd8\xff"sv, "GIF87a"sv, "ID3"sv, "%PDF-"sv, "8BPS"sv, "MThd"sv,
                             "wOF2"sv, "\0asm"sv, "Rar!\x1a\x07"sv, "SQLite format 3\0"sv})
        CHECK(extension_of(sniff_text(bytes)) != "bin");
}

TEST_CASE("a clean content type stays, in lower case") {
    CHECK(clean_mime("image/png") == "image/png");
    CHECK(clean_mime("Image/PNG") == "image/png");
    CHECK(clean_mime(" text/plain;charset=UTF-8") == "text/plain; charset=UTF-8");
    CHECK(clean_mime("video/webm; codecs=\"vp8, vorbis\"") == "video/webm; codecs=\"vp8, vorbis\"");
    CHECK(clean_mime("image/svg+xml") == "image/svg+xml");
}

TEST_CASE("unclean parameters are dropped, unclean types become bytes") {
    CHECK(clean_mime("text/plain; charset") == "text/plain");
    CHECK(clean_mime("text/plain;") == "text/plain");
    CHECK(clean_mime("text/plain; a=b\r\nX-Evil: 1") == "text/plain");
    CHECK(clean_mime("text/plain; a=\"b\\\"\"") == "text/plain");
    CHECK(clean_mime("text/plain; a=<script>") == "text/plain");
    for (const auto type : {""sv, "png"sv, "/"sv, "image/"sv, "/png"sv, "image/p ng"sv, "a/b/c"sv,
                            "image/png\r\nX: y"sv, "im\xc3\xa4ge/png"sv, "image/\0"sv, ";"sv,
                            "image/png, text/html"sv})
        CHECK(clean_mime(type) == kUnknownMime);
    CHECK(clean_mime("a/" + std::string(300, 'b')) == kUnknownMime);
}

}  // namespace espalier::protocol

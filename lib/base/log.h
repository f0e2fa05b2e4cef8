// The Log writes one line per event: time, level, message, then fields as key=value.
//
// Lines are handed to a background thread through a bounded queue; when it is full the
// oldest line is dropped, never the caller's time. No secret may be passed: tokens and
// Authorization headers are never logged.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace espalier::base {

enum class Level : std::uint8_t { debug, info, warning, error };

struct Field {
    Field(std::string_view name, std::string_view text) : key(name), value(text) {}
    Field(std::string_view name, std::int64_t number)
        : key(name), value(std::to_string(number)), is_number(true) {}

    std::string_view key;
    std::string value;
    bool is_number = false;
};

class Log {
public:
    enum class Format : std::uint8_t { text, json };

    struct Options {
        Level level = Level::info;
        Format format = Format::text;
        std::size_t queue_lines_max = 8192;
        std::string path;  // "": stderr
    };

    explicit Log(const Options& options);
    ~Log();  // writes what is queued
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    bool enabled(Level level) const { return level >= level_; }
    void write(Level level, std::string_view message, std::span<const Field> fields);
    void write(Level level, std::string_view message, std::initializer_list<Field> fields = {}) {
        write(level, message, std::span(fields.begin(), fields.size()));
    }

    void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
        write(Level::debug, message, fields);
    }
    void info(std::string_view message, std::initializer_list<Field> fields = {}) {
        write(Level::info, message, fields);
    }
    void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
        write(Level::warning, message, fields);
    }
    void error(std::string_view message, std::initializer_list<Field> fields = {}) {
        write(Level::error, message, fields);
    }

private:
    struct Sink;
    const Level level_;
    const Format format_;
    std::unique_ptr<Sink> sink_;
};

}  // namespace espalier::base

// A Codec<T> says how a T is written in the file: its type in words, reading and showing.
// read(show(x)) == x for every x that the file can express.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/text.h"
#include "settings/nearest.h"
#include "settings/values.h"
#include "settings/words.h"

namespace espalier::settings {

template <class T>
struct Codec;

template <>
struct Codec<std::string> {
    static std::string type() { return "text"; }
    static Parsed<std::string> read(std::string_view text) { return std::string(text); }
    // In quotes where YAML would take the bare text for something else.
    static std::string show(const std::string& value) {
        constexpr std::string_view kSpecial = ":[]{}*&!|>'\"%@`#,?- ";
        const bool bare = !value.empty() && kSpecial.find(value.front()) == std::string_view::npos;
        return bare ? value : base::text('"', value, '"');
    }
};

template <>
struct Codec<bool> {
    static std::string type() { return "true | false"; }
    static Parsed<bool> read(std::string_view text) { return parse_flag(text); }
    static std::string show(bool value) { return value ? "true" : "false"; }
};

template <>
struct Codec<int> {
    static std::string type() { return "number"; }
    static Parsed<int> read(std::string_view text) { return parse_count(text); }
    static std::string show(int value) { return base::text(value); }
};

template <>
struct Codec<std::uint64_t> {
    static std::string type() { return "size"; }
    static Parsed<std::uint64_t> read(std::string_view text) { return parse_size(text); }
    static std::string show(std::uint64_t value) { return show_size(value); }
};

template <>
struct Codec<base::Milliseconds> {
    static std::string type() { return "duration"; }
    static Parsed<base::Milliseconds> read(std::string_view text) { return parse_duration(text); }
    static std::string show(base::Milliseconds value) { return show_duration(value); }
};

// Enumerations, by their table of words.
template <class E>
    requires std::is_enum_v<E>
struct Codec<E> {
    static std::string type() {
        std::string out;
        for (const auto& name : names()) base::append_text(out, out.empty() ? name : " | " + name);
        return out;
    }

    static Parsed<E> read(std::string_view text) {
        for (const auto& word : kWords<E>) {
            if (word.text != text) continue;
            if (word.available) return word.value;
            return std::unexpected(
                base::text("`", text, "` is known, but not available in this version yet"));
        }
        return unknown(text);
    }

    static std::string show(E value) {
        for (const auto& word : kWords<E>) {
            if (word.value == value) return std::string(word.text);
        }
        return {};
    }

private:
    static std::vector<std::string> names() {
        std::vector<std::string> out;
        for (const auto& word : kWords<E>) {
            if (word.available) out.emplace_back(word.text);
        }
        return out;
    }

    static Parsed<E> unknown(std::string_view text) {
        // YAML has more words for yes and no than our tables.
        if constexpr (std::is_same_v<E, Tri>) {
            if (const auto flag = parse_flag(text)) return *flag ? Tri::yes : Tri::no;
        }
        const auto meant = nearest(text, names());
        return std::unexpected(base::text("`", text, "` is not one of ", type(),
                                          meant ? "; did you mean `" + *meant + "`?" : ""));
    }
};

template <class T>
struct Codec<OrAuto<T>> {
    static std::string type() { return "auto | " + Codec<T>::type(); }
    static Parsed<OrAuto<T>> read(std::string_view text) {
        if (text == "auto") return OrAuto<T>{};
        auto value = Codec<T>::read(text);
        if (!value) return std::unexpected(std::move(value).error());
        return OrAuto<T>{std::move(*value)};
    }
    static std::string show(const OrAuto<T>& value) {
        return value.value ? Codec<T>::show(*value.value) : "auto";
    }
};

// An absent choice is written as "".
template <class E>
struct Codec<std::optional<E>> {
    static std::string type() { return "\"\" | " + Codec<E>::type(); }
    static Parsed<std::optional<E>> read(std::string_view text) {
        if (text.empty()) return std::nullopt;
        return Codec<E>::read(text);
    }
    static std::string show(const std::optional<E>& value) {
        return value ? Codec<E>::show(*value) : "\"\"";
    }
};

}  // namespace espalier::settings

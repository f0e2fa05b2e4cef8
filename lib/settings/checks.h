// Checks of single values that their type alone does not make.
//
// A Check returns what is wrong with a value, as half a sentence; "" when nothing is.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "settings/codec.h"

namespace espalier::settings {

template <class T>
using Check = std::function<std::string(const T&)>;

template <class T>
Check<T> at_least(T low) {
    return [low](const T& value) {
        return value >= low ? std::string() : "must be at least " + Codec<T>::show(low);
    };
}

template <class T>
Check<T> between(T low, T high) {
    return [low, high](const T& value) {
        if (value >= low && value <= high) return std::string();
        return base::text("must be between ", Codec<T>::show(low), " and ", Codec<T>::show(high));
    };
}

// Holds for `auto` too.
template <class T>
Check<OrAuto<T>> if_given(const Check<T>& check) {
    return [check](const OrAuto<T>& value) {
        return value.value ? check(*value.value) : std::string();
    };
}

// host or host:port.
std::string check_host(std::string_view text);
// An absolute http or https URL without query.
std::string check_url(std::string_view text);
// The same, or "".
std::string check_optional_url(std::string_view text);
// ":8080", "host:8080", "192.0.2.1:8080" or "[::1]:8080".
std::string check_listen_address(std::string_view text);
// "host", "host:port", "[v6]:port", or an http(s) URL without path.
std::string check_connect_to(std::string_view text);
// "", a token that cannot be guessed, or kKeyFile and a path; the answer repeats nothing of it.
std::string check_admin_token(std::string_view text);
// "", a secret key, or kKeyFile and a path; the answer repeats nothing of it.
inline constexpr std::string_view kKeyFile = "file:";
std::string check_service_key(std::string_view text);
// An IPv4 or IPv6 address, or a CIDR block of them.
std::string check_proxy(std::string_view text);
// "image/png" or "image/*".
std::string check_mime_pattern(std::string_view text);
// 64 lower-case hex digits or an npub (NIP-19).
std::string check_pubkey(std::string_view text);
// An absolute path of a folder.
std::string check_folder(std::string_view text);

}  // namespace espalier::settings

#include "http/envelope.h"

#include <array>
#include <ctime>
#include <random>

#include "base/text.h"

namespace espalier::http {
namespace {

// splitmix64's finisher: a bijection, so that a counter never repeats.
std::uint64_t scramble(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

std::uint64_t random_seed() {
    std::random_device dice;
    return (static_cast<std::uint64_t>(dice()) << 32) | dice();
}

std::string http_date(std::int64_t unix_now) {
    const auto seconds = static_cast<std::time_t>(unix_now);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 64> out{};
    const auto length = std::strftime(out.data(), out.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {out.data(), length};
}

}  // namespace

RequestIds::RequestIds() : seed_(random_seed()) {}

void RequestIds::next(char (&digits)[16]) {
    constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
    auto id = scramble(seed_ + kGolden * count_.fetch_add(1, std::memory_order_relaxed));
    for (char& digit : digits) {
        digit = "0123456789abcdef"[id & 15];
        id >>= 4;
    }
}

std::string RequestIds::next() {
    char digits[16];
    next(digits);
    return {digits, sizeof digits};
}

Envelope::Envelope(std::string_view server_name, RequestIds& ids)
    : server_name_(server_name), ids_(ids) {}

void Envelope::tick(std::int64_t unix_now) {
    if (unix_now == now_) return;
    now_ = unix_now;
    block_ = base::text("Server: ", server_name_, "\r\nDate: ", http_date(unix_now), "\r\n",
                        cors_block(), "X-Request-Id: ");
}

void Envelope::open(std::string& out, int status, std::string_view id) const {
    append_status_line(out, status);
    out.append(block_).append(id).append("\r\n");
}

void Envelope::open(std::string& out, int status) {
    ids_.next(last_id_);
    open(out, status, last_id());
}

std::string_view cors_block() {
    return "Access-Control-Allow-Origin: *\r\n"
           "Access-Control-Expose-Headers: *, Content-Length, Content-Range, Content-Type, "
           "Accept-Ranges, ETag, Location, Sunset, X-Reason, X-Cashu, X-Lightning, "
           "X-Upstream-Results\r\n";
}

void append_status_line(std::string& out, int status) {
    const char digits[] = {' ', static_cast<char>('0' + status / 100 % 10),
                           static_cast<char>('0' + status / 10 % 10),
                           static_cast<char>('0' + status % 10), ' '};
    out.append("HTTP/1.1").append(digits, sizeof digits).append(reason_phrase(status));
    out.append("\r\n");
}

void append_persistence(std::string& out, Persistence persistence) {
    if (persistence == Persistence::close) out.append("Connection: close\r\n");
    if (persistence == Persistence::keep_alive) out.append("Connection: keep-alive\r\n");
}

}  // namespace espalier::http

#include "support/raw_client.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.h"

namespace espalier::test {
namespace {

BodyReader body_of(const MessageHead& head, int status, bool to_head) {
    if (to_head || status == 204 || status == 304) return BodyReader::of_length(0);
    if (base::equal_ignoring_case(head.headers.value("Transfer-Encoding"), "chunked"))
        return BodyReader::of_chunks();
    const auto length = base::parse_number(head.headers.value("Content-Length"));
    return length ? BodyReader::of_length(*length) : BodyReader::until_close();
}

std::string chunk_of(std::string_view bytes) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes.size(), 16);
    return base::text(std::string_view(digits.data(), end.ptr), "\r\n", bytes, "\r\n");
}

}  // namespace

RawClient::RawClient(std::uint16_t port) : RawClient(port, Options{}) {}

RawClient::RawClient(std::uint16_t port, const Options& options)
    : options_(options),
      port_(port),
      socket_(Socket::connect(options.host, port, deadline(), options.interrupt,
                              options.receive_buffer)),
      reader_([this](std::span<char> out) { return receive(out); }) {}

std::size_t RawClient::receive(std::span<char> out) {
    const auto got = socket_.read(out, deadline());
    last_read_ = got.io;
    return got.bytes;
}

bool RawClient::send(std::string_view bytes) {
    return socket_.write_all(bytes, deadline()) == Io::ok;
}

bool RawClient::send_paced(std::string_view bytes, std::uint64_t bytes_per_second) {
    const auto start = base::Steady::now();
    const auto piece = std::clamp<std::uint64_t>(bytes_per_second / 50, 1, 65536);
    std::uint64_t sent = 0;
    while (!bytes.empty()) {
        const auto now = bytes.substr(0, piece);
        if (!send(now)) return false;
        bytes.remove_prefix(now.size());
        sent += now.size();
        const auto turn = start + base::Milliseconds(sent * 1000 / bytes_per_second);
        if (socket_.rest(base::Deadline::at(turn)) == Io::closed) return bytes.empty();
    }
    return true;
}

std::size_t RawClient::send_until_stuck(std::string_view bytes, base::Milliseconds patience) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const auto put = socket_.write(bytes.substr(sent), base::Deadline::after(patience));
        if (put.io != Io::ok) break;
        sent += put.bytes;
    }
    return sent;
}

bool RawClient::send_unless_answered(std::string_view bytes) {
    while (!bytes.empty()) {
        bool readable = false;
        const auto io = socket_.wait_either(deadline(), readable);
        if (io == Io::rung) continue;
        if (io != Io::ok || readable) return false;
        const auto put = socket_.write(bytes, deadline());
        if (put.io != Io::ok) return false;
        bytes.remove_prefix(put.bytes);
    }
    return true;
}

bool RawClient::send_head(std::string_view method, std::string_view target,
                          const base::Headers& headers) {
    auto head = base::text(method, " ", target, " HTTP/1.1\r\n");
    if (!headers.has("Host"))
        head += base::text("Host: ", options_.host, ":", std::uint32_t{port_}, "\r\n");
    for (const auto& [name, value] : headers) head += base::text(name, ": ", value, "\r\n");
    return send(head + "\r\n");
}

std::optional<MessageHead> RawClient::read_head() {
    auto head = reader_.read_head();
    while (head && head->word(1).starts_with('1')) head = reader_.read_head();
    return head;
}

Response RawClient::read_response(bool to_head) {
    Response response;
    const auto head = read_head();
    if (!head) return response;
    response.status = static_cast<int>(base::parse_number(head->word(1)).value_or(0));
    response.headers = head->headers;
    auto body = body_of(*head, response.status, to_head);
    std::array<char, 16384> piece{};
    while (const auto got = body.read(reader_, piece)) response.body.append(piece.data(), got);
    // A body without a length is only whole when the peer ended it in an orderly way.
    response.complete = body.complete() && last_read_ != Io::broken && last_read_ != Io::timed_out;
    return response;
}

std::string RawClient::read_some(std::size_t bytes_max) {
    std::string bytes(bytes_max, '\0');
    bytes.resize(reader_.read(bytes));
    return bytes;
}

Io RawClient::wait_closed() {
    std::array<char, 16384> piece{};
    while (reader_.read(piece) > 0) continue;
    return last_read_;
}

Response http_request(std::uint16_t port, std::string_view method, std::string_view target,
                      const base::Headers& headers, std::string_view body) {
    RawClient client(port);
    auto fields = headers;
    const bool sends_length = !body.empty() || method == "PUT" || method == "POST";
    if (sends_length && !fields.has("Content-Length"))
        fields.add("Content-Length", std::to_string(body.size()));
    if (!fields.has("Connection")) fields.add("Connection", "close");
    if (!client.send_head(method, target, fields)) return {};
    client.send_unless_answered(body);
    return client.read_response(method == "HEAD");
}

Response streaming_put(std::uint16_t port, std::string_view body, const PutPlan& plan) {
    RawClient client(port);
    auto fields = plan.headers;
    if (plan.chunked)
        fields.add("Transfer-Encoding", "chunked");
    else
        fields.add("Content-Length", std::to_string(body.size()));
    if (!client.send_head("PUT", plan.target, fields)) return {};
    const bool aborts = plan.abort_at && *plan.abort_at < body.size();
    std::string stream;
    if (aborts) body = body.substr(0, *plan.abort_at);
    if (plan.chunked) {
        constexpr std::size_t kChunk = 16384;
        for (std::size_t at = 0; at < body.size(); at += kChunk)
            stream += chunk_of(body.substr(at, kChunk));
        if (!aborts) stream += "0\r\n\r\n";
        body = stream;
    }
    if (plan.bytes_per_second > 0)
        client.send_paced(body, plan.bytes_per_second);
    else
        client.send_unless_answered(body);
    if (!aborts) return client.read_response();
    if (plan.abort == PutPlan::Abort::reset)
        client.reset();
    else
        client.close();
    return {};
}

}  // namespace espalier::test

#include "engine/easy.h"

#include <algorithm>
#include <cerrno>
#include <span>
#include <string_view>

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "engine/loop.h"

namespace espalier::engine {
namespace {

constexpr long kDownloadBufferBytes = 256 * 1024;

template <class Value>
void set(void* handle, CURLoption option, Value value) {
    // NOLINTNEXTLINE(bugprone-unused-return-value): our options are known, memory is not awaited
    const auto code = curl_easy_setopt(handle, option, value);
    ESPALIER_CHECK(code == CURLE_OK || code == CURLE_SSL_CACERT_BADFILE);
}

Exchange& exchange_of(void* user) {
    return *static_cast<Exchange*>(user);
}

std::size_t on_head(char* bytes, std::size_t size, std::size_t count, void* user) {
    const bool go_on = exchange_of(user).take_head_line({bytes, size * count});
    return go_on ? size * count : 0;
}

std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* user) {
    switch (exchange_of(user).take_body(std::as_bytes(std::span(bytes, size * count)))) {
        case Exchange::Step::go_on:
            return size * count;
        case Exchange::Step::pause:
            return CURL_WRITEFUNC_PAUSE;
        default:
            return CURL_WRITEFUNC_ERROR;
    }
}

std::size_t on_send(char* bytes, std::size_t size, std::size_t count, void* user) {
    const auto given =
        exchange_of(user).give_body(std::as_writable_bytes(std::span(bytes, size * count)));
    switch (given.step) {
        case Exchange::Step::go_on:
            return given.bytes;
        case Exchange::Step::pause:
            return CURL_READFUNC_PAUSE;
        default:
            return CURL_READFUNC_ABORT;
    }
}

int on_request(void* user, char* address, char* /*ours*/, int /*port*/, int /*our_port*/) {
    const bool allowed = exchange_of(user).allows_request(address);
    return allowed ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

// Before a name is looked up that curl does not remember; not zero: it fails.
int on_resolve(void* /*resolver*/, void* /*reserved*/, void* user) {
    auto& exchange = exchange_of(user);
    return exchange.desk.loop->may_resolve(exchange) ? 0 : 1;
}

curl_socket_t on_open(void* user, curlsocktype /*purpose*/, curl_sockaddr* address) {
    auto& exchange = exchange_of(user);
    exchange.desk.loop->resolved(exchange);
    if (!exchange.allows_connect(address->addr)) return CURL_SOCKET_BAD;
    const int fd = ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) exchange.no_descriptor_left();
    return fd;
}

// The new socket's first own use is curl's, so that the loop hears of it here.
int on_opened(void* user, curl_socket_t fd, curlsocktype /*purpose*/) {
    static_cast<Loop*>(user)->socket_opened(fd);
    return CURL_SOCKOPT_OK;
}

int on_close(void* user, curl_socket_t fd) {
    static_cast<Loop*>(user)->socket_closing(fd);
    return ::close(fd);
}

bool sends_body_always(std::string_view method) {
    return method == "PUT" || method == "POST" || method == "PATCH";
}

bool is_ours(std::string_view name) {
    for (const auto* ours : {"Host", "Content-Length", "Transfer-Encoding", "Expect", "Connection"})
        if (base::equal_ignoring_case(name, ours)) return true;
    return false;
}

}  // namespace

Easy::Easy() : handle_(curl_easy_init()) {
    ESPALIER_CHECK(handle_ != nullptr);
}

Easy::~Easy() {
    curl_easy_cleanup(handle_);
    free_lists();
}

void Easy::free_lists() {
    curl_slist_free_all(headers_);
    curl_slist_free_all(connect_to_);
    headers_ = connect_to_ = nullptr;
}

void Easy::clear() {
    curl_easy_reset(handle_);
    free_lists();
}

void Easy::prepare(Exchange& exchange, Loop& loop, const Engine::Options& options) {
    detail_[0] = '\0';
    set_common(options);
    set_guards(exchange, loop);
    set_target(exchange);
    set_method(exchange, options);
    set_headers(exchange, options);
    set_answer(exchange);
    limit(exchange.desk.speed);
}

void Easy::set_common(const Engine::Options& options) {
    set(handle_, CURLOPT_ERRORBUFFER, detail_.data());
    set(handle_, CURLOPT_NOSIGNAL, 1L);
    set(handle_, CURLOPT_PROXY, "");  // never one from the environment
    set(handle_, CURLOPT_PROTOCOLS_STR, "http,https");
    set(handle_, CURLOPT_FOLLOWLOCATION, 0L);
    set(handle_, CURLOPT_PATH_AS_IS, 1L);
    set(handle_, CURLOPT_TCP_NODELAY, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    // Otherwise a slow resolver is joined, and the whole loop with it waits for seconds.
    set(handle_, CURLOPT_QUICK_EXIT, 1L);
#endif
    // Without a CA folder curl keeps the parsed CA file between connections.
    set(handle_, CURLOPT_CAPATH, static_cast<char*>(nullptr));
    if (!options.ca_file.empty()) set(handle_, CURLOPT_CAINFO, options.ca_file.c_str());
}

void Easy::set_guards(Exchange& exchange, Loop& loop) {
    set(handle_, CURLOPT_PRIVATE, static_cast<void*>(&exchange));
    set(handle_, CURLOPT_RESOLVER_START_FUNCTION, &on_resolve);
    set(handle_, CURLOPT_RESOLVER_START_DATA, static_cast<void*>(&exchange));
    set(handle_, CURLOPT_OPENSOCKETFUNCTION, &on_open);
    set(handle_, CURLOPT_OPENSOCKETDATA, static_cast<void*>(&exchange));
    set(handle_, CURLOPT_SOCKOPTFUNCTION, &on_opened);
    set(handle_, CURLOPT_SOCKOPTDATA, static_cast<void*>(&loop));
    // Remembered by the connection, which may outlive the exchange, but not the loop.
    set(handle_, CURLOPT_CLOSESOCKETFUNCTION, &on_close);
    set(handle_, CURLOPT_CLOSESOCKETDATA, static_cast<void*>(&loop));
    // A reused connection opens no socket: this is called all the same.
    set(handle_, CURLOPT_PREREQFUNCTION, &on_request);
    set(handle_, CURLOPT_PREREQDATA, static_cast<void*>(&exchange));
}

void Easy::set_target(const Exchange& exchange) {
    const auto& request = exchange.request();
    set(handle_, CURLOPT_URL, request.url.text().c_str());
    if (!request.connect_to.empty()) {
        connect_to_ = curl_slist_append(nullptr, base::text("::", request.connect_to).c_str());
        set(handle_, CURLOPT_CONNECT_TO, connect_to_);
    }
    set(handle_, CURLOPT_CONNECTTIMEOUT_MS,
        std::max(1L, static_cast<long>(request.connect_timeout.count())));
    set(handle_, CURLOPT_SSL_VERIFYPEER, request.verify_tls ? 1L : 0L);
    set(handle_, CURLOPT_SSL_VERIFYHOST, request.verify_tls ? 2L : 0L);
    const bool http2 = request.http2 && !exchange.has_upload() && !request.download;
    set(handle_, CURLOPT_HTTP_VERSION,
        http2 ? static_cast<long>(CURL_HTTP_VERSION_2TLS)
              : static_cast<long>(CURL_HTTP_VERSION_1_1));
    if (http2) set(handle_, CURLOPT_PIPEWAIT, 1L);  // one connection carries them all
}

void Easy::set_method(Exchange& exchange, const Engine::Options& options) {
    const auto& request = exchange.request();
    if (request.method == "HEAD") return set(handle_, CURLOPT_NOBODY, 1L);
    if (exchange.has_upload()) {
        set_upload(exchange, options);
    } else if (!request.body.empty() || sends_body_always(request.method)) {
        // It is not repeated when a reused connection turns out dead, so none is reused.
        set(handle_, CURLOPT_FRESH_CONNECT, 1L);
        set(handle_, CURLOPT_POST, 1L);
        set(handle_, CURLOPT_POSTFIELDS, request.body.data());
        set(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    }
    if (request.method != "GET" || exchange.has_upload() || !request.body.empty())
        set(handle_, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

void Easy::set_upload(Exchange& exchange, const Engine::Options& options) {
    set(handle_, CURLOPT_UPLOAD, 1L);
    set(handle_, CURLOPT_READFUNCTION, &on_send);
    set(handle_, CURLOPT_READDATA, static_cast<void*>(&exchange));
    const auto buffer =
        exchange.desk.speed.up != 0 ? kLimitedBufferBytes : options.upload_buffer_bytes;
    set(handle_, CURLOPT_UPLOAD_BUFFERSIZE, static_cast<long>(buffer));
    set(handle_, CURLOPT_INFILESIZE_LARGE,
        static_cast<curl_off_t>(exchange.request().upload_bytes.value_or(0)));
}

void Easy::add_header(const std::string& line) {
    headers_ = curl_slist_append(headers_, line.c_str());
}

void Easy::set_headers(const Exchange& exchange, const Engine::Options& options) {
    const auto& fields = exchange.request().headers;
    for (const auto& [name, value] : fields) {
        if (is_ours(name)) continue;
        add_header(value.empty() ? base::text(name, ';') : base::text(name, ": ", value));
    }
    add_header("Expect:");
    if (!fields.has("Accept-Encoding")) add_header("Accept-Encoding: identity");
    if (!fields.has("Content-Type")) add_header("Content-Type:");  // curl would name a form's
    if (!fields.has("User-Agent")) add_header(base::text("User-Agent: ", options.user_agent));
    set(handle_, CURLOPT_HTTPHEADER, headers_);
}

void Easy::set_answer(Exchange& exchange) {
    set(handle_, CURLOPT_HEADERFUNCTION, &on_head);
    set(handle_, CURLOPT_HEADERDATA, static_cast<void*>(&exchange));
    set(handle_, CURLOPT_WRITEFUNCTION, &on_body);
    set(handle_, CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
    if (exchange.request().download)
        set(handle_, CURLOPT_BUFFERSIZE,
            exchange.desk.speed.down != 0 ? static_cast<long>(kLimitedBufferBytes)
                                          : kDownloadBufferBytes);
}

void Easy::limit(Exchange::Speed speed) {
    set(handle_, CURLOPT_MAX_SEND_SPEED_LARGE, static_cast<curl_off_t>(speed.up));
    set(handle_, CURLOPT_MAX_RECV_SPEED_LARGE, static_cast<curl_off_t>(speed.down));
}

void Easy::pause(Exchange::Pauses pauses) {
    const int action = (pauses.send ? CURLPAUSE_SEND : 0) | (pauses.receive ? CURLPAUSE_RECV : 0);
    // A failure ends the transfer, which is then reported like any other end.
    static_cast<void>(curl_easy_pause(handle_, action));
}

std::uint64_t Easy::bytes_uploaded() const {
    curl_off_t bytes = 0;
    curl_easy_getinfo(handle_, CURLINFO_SIZE_UPLOAD_T, &bytes);
    return static_cast<std::uint64_t>(bytes);
}

}  // namespace espalier::engine

#include "engine/engine.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "engine/exchange.h"
#include "engine/loop.h"

namespace espalier::engine {
namespace {

constexpr std::array<std::string_view, 7> kMethods = {"GET",    "HEAD",  "PUT",    "POST",
                                                      "DELETE", "PATCH", "OPTIONS"};

bool is_token_byte(char c) {  // RFC 9110 section 5.6.2
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

bool is_field(const base::Header& field) {
    constexpr std::string_view kLineEnds("\r\n\0", 3);
    return !field.name.empty() && std::ranges::all_of(field.name, is_token_byte) &&
           field.value.find_first_of(kLineEnds) == std::string::npos;
}

// Why this cannot be sent; "" = it can.
std::string_view unfitness(const TransferRequest& request) {
    if (std::ranges::find(kMethods, request.method) == kMethods.end())
        return "the method is not one that we send";
    if (request.url.host().empty()) return "the request has no URL";
    if (!std::ranges::all_of(request.headers, is_field)) return "a header is malformed";
    if (request.upload && !request.upload_bytes) return "the upload has no length";
    return "";
}

}  // namespace

Engine::Engine(const Options& options) : loop_(std::make_unique<Loop>(options)) {}

Engine::~Engine() = default;

Transfer Engine::start(TransferRequest request, std::shared_ptr<base::Bell> bell) {
    const auto unfit = unfitness(request);
    auto exchange = std::make_shared<Exchange>(std::move(request), std::move(bell), loop_->inbox());
    std::optional<base::Error> error;
    if (!unfit.empty()) {
        error = {.kind = base::ErrorKind::invalid, .reason = std::string(unfit)};
    } else if (!exchange->post()) {
        error = {.kind = base::ErrorKind::shutting_down, .reason = "the gateway is shutting down"};
    }
    if (error) {
        exchange->finish(std::move(error));
        exchange->ring();
    }
    return Transfer(std::move(exchange));
}

void Engine::shut_down() {
    loop_->shut_down();
}

Engine::Snapshot Engine::snapshot() const {
    return loop_->snapshot();
}

}  // namespace espalier::engine

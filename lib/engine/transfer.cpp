#include "engine/transfer.h"

#include <utility>

#include "engine/exchange.h"

namespace espalier::engine {

Transfer::Transfer() = default;
Transfer::Transfer(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
Transfer::Transfer(Transfer&&) noexcept = default;

Transfer& Transfer::operator=(Transfer&& other) noexcept {
    if (this != &other) {
        cancel();
        exchange_ = std::move(other.exchange_);
    }
    return *this;
}

Transfer::~Transfer() {
    cancel();
}

TransferState Transfer::state() const {
    return exchange_ ? exchange_->state() : TransferState{};
}

bool Transfer::decided() const {
    return exchange_ && exchange_->decided();
}

void Transfer::cancel() {
    if (exchange_) exchange_->cancel();
}

}  // namespace espalier::engine

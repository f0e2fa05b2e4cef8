// An Account is what a handler says of one operation for those who look at the dashboard: what it
// is about, and what every server made of it, before the reply and behind it.
//
// Threads: one worker; later() gives functions for any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "fanout/upload.h"
#include "gateway/parts.h"
#include "http/reply.h"
#include "http/request.h"
#include "protocol/blob_hash.h"

namespace espalier::gateway {

class Account {
public:
    // The parts outlive the operation; the request, the Account.
    Account(const Parts& parts, std::string_view what, const http::Request& request);
    // Without a reply, because the handler threw, it ends as a failure of ours.
    ~Account();
    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;

    void about(const std::optional<protocol::BlobHash>& hash, std::string_view pubkey,
               std::optional<std::uint64_t> bytes) const;
    void outcomes(std::span<const fleet::Outcome> outcomes) const;
    // The same for what becomes known behind the reply.
    std::function<void(std::span<const fleet::Outcome>)> later() const;
    // How far it is with each server is asked of it while it lasts.
    void follow(const std::shared_ptr<fanout::Upload>& upload) const;
    std::string_view request_id() const { return request_id_; }
    // The reply ends it, as far as the client is concerned.
    void close(const http::Reply& reply);

private:
    const Parts& parts_;
    const std::string_view request_id_;  // the request's
    const std::uint64_t id_;
    const base::Steady::time_point begun_ = base::Steady::now();
    bool closed_ = false;
};

}  // namespace espalier::gateway

// A real Blossom server for tests: `espalier store` in a process of its own.
#pragma once

#include <csignal>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/text.h"
#include "support/process.h"
#include "support/raw_client.h"
#include "support/temp_dir.h"

namespace espalier::test {

// It takes no write without a token.
class Store {
public:
    Store() { start("127.0.0.1:0"); }

    // As if the power had gone.
    void kill() {
        process_->signal(SIGKILL);
        ESPALIER_CHECK(process_->wait_exit());
    }
    // With the same blobs at the same address.
    void restart() { start(base::text("127.0.0.1:", port_)); }

    const std::string& url() const { return url_; }
    bool has_blob(const std::string& hash) const {
        return http_request(port_, "HEAD", "/" + hash).status == 200;
    }

private:
    void start(const std::string& address) {
        process_ = std::make_unique<Process>(
            Process::Options{.argv = {ESPALIER_BINARY, "store", (folder_ / "blobs").string(),
                                      "--listen", address, "--require-auth", "--mirror-private"}});
        const auto line = process_->wait_for_line("listening on ");
        ESPALIER_CHECK(line);
        url_ = line->substr(line->find("http://"));
        port_ = static_cast<std::uint16_t>(
            base::parse_number(std::string_view(url_).substr(url_.rfind(':') + 1)).value_or(0));
    }

    TempDir folder_;
    std::unique_ptr<Process> process_;
    std::string url_;
    std::uint16_t port_ = 0;
};

}  // namespace espalier::test

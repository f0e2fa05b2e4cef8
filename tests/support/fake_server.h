// A FakeServer is a Blossom server on a real socket that does what a Script tells it, good
// or bad, and remembers everything it has seen.
//
// A client that half-closes its side counts as gone. Blobs live in memory. Each connection has a
// thread; destroying or stopping the server resets every connection and joins all of them. Its port
// stays its own while it is stopped: connecting is refused then, and restart() finds the port free.
//
// Threads: any.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/bytes.h"
#include "support/changes.h"
#include "support/fake_books.h"
#include "support/fake_script.h"

namespace espalier::test {

class FakeServer {
public:
    // Listens on 127.0.0.1; port 0 = any free one.
    explicit FakeServer(Script script = {}, std::uint16_t port = 0);
    ~FakeServer();
    FakeServer(const FakeServer&) = delete;
    FakeServer& operator=(const FakeServer&) = delete;

    std::uint16_t port() const;
    std::string url() const;   // "http://127.0.0.1:<port>"
    std::string host() const;  // "127.0.0.1:<port>"

    void set_script(Script script);
    Script script() const;
    // Changes the script in place, e.g. `server.edit([](Script& s) { s.read_rate = 0; })`.
    void edit(const std::function<void(Script&)>& change);

    // Resets every connection, answers no more. Connecting is refused. Blobs stay.
    void stop();
    // Listens again on the same port. Requires: stopped.
    void restart();

    std::vector<Seen> seen() const;
    void forget_seen();
    // How many requests of this method have a path that starts so; "" = any method.
    std::size_t count(std::string_view method, std::string_view path_prefix = "") const;
    // PUT /upload requests whose whole body has arrived.
    std::size_t complete_uploads() const;
    std::size_t open_connections() const;

    bool has_blob(std::string_view hash) const;
    std::size_t blobs() const;
    // The bytes, "" if there are none.
    std::string blob(std::string_view hash) const;
    // Stores a blob as if `owner` (a pubkey in hex; "": anyone's) had uploaded it at
    // `uploaded` (unix seconds, 0 = now); its hash.
    std::string put_blob(std::string_view bytes, std::string_view type = "application/octet-stream",
                         std::string_view owner = "", std::int64_t uploaded = 0);
    void drop_blob(std::string_view hash);

    // Waits until `holds()`, asked again after each event here and now and then besides.
    bool wait_for(const std::function<bool()>& holds, base::Milliseconds patience = kPatience);
    // Waits until count() is at least `n`.
    bool wait_for_requests(std::string_view method, std::string_view path_prefix, std::size_t n = 1,
                           base::Milliseconds patience = kPatience);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace espalier::test

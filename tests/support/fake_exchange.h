// An Exchange is one request and its answer on a connection of a FakeServer, played as the
// Script says, misdeeds included.
//
// Threads: the connection's own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "support/fake_ops.h"
#include "support/http_text.h"
#include "support/socket.h"

namespace espalier::test {

// A connection, as an Exchange sees it.
struct Line {
    Socket& socket;
    ByteReader& reader;
    Interrupt& interrupt;
    Books& books;
    std::string url;           // of the server
    std::uint64_t number = 0;  // of the connection
};

// What becomes of the connection after an Exchange.
enum class Next : std::uint8_t { another, close, reset };

class Exchange {
public:
    explicit Exchange(Line& line) : line_(line) {}
    ~Exchange();
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;

    // Reads one request and answers it.
    Next serve();

private:
    enum class BodyEnd : std::uint8_t { whole, lost, refused, cut };

    std::shared_ptr<const Script> script() const { return line_.books.script(); }
    OpScript op_script() const { return script()->of(request_.seen.op); }
    void open(const MessageHead& head);
    void amend(const std::function<void(Seen&)>& change);
    // False: the peer has left or the server stops.
    bool rest(base::Deadline deadline);
    bool pause(Pause OpScript::* which);
    bool wait_turn(std::uint64_t Script::* rate, std::uint64_t bytes);

    std::optional<Answer> early_answer();
    std::optional<Answer> busy();
    bool is_upload() const;
    BodyEnd read_body();
    std::optional<BodyEnd> interfere(const Script& script) const;
    std::size_t piece_max(const Script& script) const;
    void absorb(std::string_view bytes, const Script& script);
    Answer answer_now();

    Next finish(BodyEnd end);
    Next reply(Answer answer, bool keep);
    Next reply_before_body(Answer answer, After after);
    std::string head_of(const Answer& answer, bool keep);
    std::optional<std::uint64_t> payload_max(const Script& script, std::uint64_t sent) const;
    Next send_payload(const Answer& answer, bool keep);
    bool send_piece(std::string_view piece);
    Next cut(Cut how);
    Next lost();

    Line& line_;
    Request request_;
    std::size_t index_ = 0;  // of our Seen
    bool keep_alive_ = true;
    bool scripted_ = false;  // our OpScript's status and cut apply
    bool replied_ = false;
    bool counted_ = false;  // among the uploads under way
    BodyReader body_ = BodyReader::of_length(0);
    base::Sha256 hash_;
    std::vector<char> buffer_ = std::vector<char>(65536);
};

}  // namespace espalier::test

// A RepairOne brings one blob to one server that lacks it, from any other that has it.
//
// All are asked with HEADs first. Then the server is told to mirror it (BUD-04); when that does
// not work it is fetched, checked and uploaded. No server sees the last byte before the digest
// agrees with the blob's name.
//
// Threads: cut() by any; the rest by the mover.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fanout/blob_head.h"
#include "fanout/mirror.h"
#include "fanout/upload.h"

namespace espalier::fanout {

enum class RepairEnd : std::uint8_t {
    there_already,
    mirrored,
    uploaded,
    needless,  // enough copies are elsewhere
    hopeless,  // no server has it any more, or this one will never take it
    deleted,
    unauthorized,
    failed,
};
inline constexpr std::array<std::string_view, 8> kRepairEnds{
    "there_already", "mirrored", "uploaded",     "needless",
    "hopeless",      "deleted",  "unauthorized", "failed"};
constexpr std::string_view name_of(RepairEnd end) {
    return kRepairEnds[static_cast<std::size_t>(end)];
}
// Whether nobody needs to try again.
bool is_settled(RepairEnd end);

struct RepairPlan {
    protocol::BlobHash hash;
    fleet::UpstreamId server = 0;
    std::string owner;                        // "" unknown
    int copies_wanted = 0;                    // over all servers; 0: all
    std::function<std::string()> authorize;   // called once, when it is needed
    base::Milliseconds head_patience{3'000};  // for a HEAD
    base::Milliseconds patience{600'000};     // for a mirroring, or an upload
    std::shared_ptr<engine::Rate> rate = {};  // of what passes through us; null: no limit
    base::Milliseconds stall_timeout{30'000};
};

class RepairOne : public Job, public Write {
public:
    struct Tools {
        Network network;
        Mover& mover;
        const Upload::Resources& resources;
    };
    using OnEnd = std::function<void(const RepairPlan&, RepairEnd, const std::string& why)>;

    // `on_end` is called once, on the mover, unless the mover is stopped before.
    RepairOne(const Tools& tools, RepairPlan plan, OnEnd on_end);
    ~RepairOne() override;

    std::optional<base::Deadline> step(base::Steady::time_point now) override;
    void cut() override;
    bool is_repair() const override { return true; }

private:
    struct Question {
        fleet::UpstreamId server = 0;
        engine::Transfer transfer;
        HeadAnswer answer = {};
    };
    struct Origin {
        fleet::UpstreamId server = 0;
        std::optional<std::uint64_t> size;
        std::string type;
    };
    enum class Stage : std::uint8_t { begin, look, mirror, fetch, upload };
    // What a step came to: go on with the next stage at once, wait, or the end.
    struct End {
        RepairEnd how;
        std::string why;
    };
    using Progress = std::expected<bool, End>;  // true: the stage has changed

    Progress advance(base::Steady::time_point now);
    Progress ask_everybody(base::Steady::time_point now);
    Progress read_answers(base::Steady::time_point now);
    Progress begin_mirroring(base::Steady::time_point now);
    Progress read_mirroring(base::Steady::time_point now);
    Progress begin_fetch(base::Steady::time_point now);
    Progress fetch(base::Steady::time_point now);
    Progress try_next_origin(const std::string& why, base::Steady::time_point now);
    Progress read_upload();
    void sort_origins();
    void end_fetch(const fleet::Outcome& outcome);
    std::string origin_url() const;

    Tools tools_;
    const RepairPlan plan_;
    const OnEnd on_end_;
    std::atomic<bool> cut_{false};
    // Owned by the mover's thread.
    Stage stage_ = Stage::begin;
    std::string authorization_;
    std::vector<Question> questions_;
    std::vector<Origin> origins_;  // the best is the last
    std::shared_ptr<Mirroring> mirroring_;
    std::shared_ptr<engine::Pipe> pipe_;
    engine::Transfer download_;
    base::Sha256 digest_;
    std::shared_ptr<Upload> upload_;
    bool released_ = false;
};

}  // namespace espalier::fanout

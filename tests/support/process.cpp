#include "support/process.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fd.h"
#include "base/guarded.h"
#include "base/text.h"
#include "base/thread.h"

namespace espalier::test {
namespace {

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        ESPALIER_CHECK(::pipe2(ends.data(), O_CLOEXEC) == 0);
        read = base::Fd(ends[0]);
        write = base::Fd(ends[1]);
    }
    base::Fd read;
    base::Fd write;
};

// A socket rather than a pipe: writing to a child that has ended raises no SIGPIPE.
struct InputLine {
    InputLine() {
        std::array<int, 2> ends{};
        ESPALIER_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
        child = base::Fd(ends[0]);
        ours = base::Fd(ends[1]);
    }
    base::Fd child;
    base::Fd ours;
};

std::vector<std::string> environment_with(
    const std::vector<std::pair<std::string, std::string>>& more) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text(*entry);
        const auto overridden = [&](const auto& one) {
            return text.starts_with(one.first) && text.substr(one.first.size()).starts_with('=');
        };
        if (std::find_if(more.begin(), more.end(), overridden) == more.end())
            all.emplace_back(text);
    }
    for (const auto& [name, value] : more) all.push_back(base::text(name, "=", value));
    return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (auto& text : texts) pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

// Tests may have blocked or ignored signals; a child starts with none of that.
void reset_signals(posix_spawnattr_t& attributes) {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

pid_t spawn(const Process::Options& options, int in, int out, int err) {
    auto argv_texts = options.argv;
    auto env_texts = environment_with(options.env);
    const auto argv = pointers_to(argv_texts);
    const auto env = pointers_to(env_texts);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
    if (!options.cwd.empty()) ::posix_spawn_file_actions_addchdir_np(&actions, options.cwd.c_str());
    reset_signals(attributes);
    pid_t pid = -1;
    const int error = ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), env.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    ESPALIER_CHECK(error == 0);
    return pid;
}

// "VmHWM:   1234 kB" → 1234.
std::uint64_t status_value(std::string_view line) {
    const auto digits = base::trim(line.substr(line.find(':') + 1));
    return base::parse_number(digits.substr(0, digits.find(' '))).value_or(0);
}

double cpu_seconds_of(const std::string& proc) {
    std::ifstream in(proc + "/stat");
    std::string text;
    std::getline(in, text);
    // The name, in parentheses, may hold anything; fields 14 and 15 follow it.
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) return 0;
    std::istringstream fields(text.substr(name_end + 1));
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

}  // namespace

struct Process::Impl {
    explicit Impl(const Options& options);
    ~Impl();
    void read_output();
    bool take_from(int fd, std::string& pending);
    void keep_line(std::string line);
    void await_end();

    InputLine input;
    Pipe out;
    Pipe err;
    pid_t pid = -1;
    base::Guarded<std::vector<std::string>> lines;
    std::atomic<bool> output_over{false};
    std::atomic<bool> ended{false};
    base::Guarded<std::optional<int>> status;  // once reaped
    Changes changes;
    Pipe quit;  // written to when the reader shall stop before the output is over
    std::jthread reader;
    std::jthread waiter;
};

Process::Impl::Impl(const Options& options) {
    pid = spawn(options, input.child.get(), out.write.get(), err.write.get());
    input.child.reset();
    out.write.reset();
    err.write.reset();
    reader = base::start_thread("child-output", [this](const std::stop_token&) { read_output(); });
    waiter = base::start_thread("child-end", [this](const std::stop_token&) { await_end(); });
}

Process::Impl::~Impl() {
    if (!ended.load()) ::kill(pid, SIGKILL);
    waiter.join();
    // A grandchild may hold the pipes open for ever.
    quit.write.reset();
    reader.join();
    int ignored = 0;
    const bool reaped = status.with([](const auto& known) { return known.has_value(); });
    if (!reaped) ::waitpid(pid, &ignored, 0);
}

// Leaves the child unreaped, so that its pid stays its own until the status is asked for.
void Process::Impl::await_end() {
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
        continue;
    ended.store(true);
    changes.announce();
}

void Process::Impl::keep_line(std::string line) {
    lines.with([&](auto& all) { all.push_back(std::move(line)); });
    changes.announce();
}

// False at the end of this output.
bool Process::Impl::take_from(int fd, std::string& pending) {
    std::array<char, 4096> piece{};
    const auto got = ::read(fd, piece.data(), piece.size());
    if (got > 0) pending.append(piece.data(), static_cast<std::size_t>(got));
    for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
        keep_line(pending.substr(0, end));
        pending.erase(0, end + 1);
    }
    if (got > 0 || (got < 0 && errno == EINTR)) return true;
    if (!pending.empty()) keep_line(std::exchange(pending, {}));
    return false;
}

void Process::Impl::read_output() {
    std::array<std::string, 2> pending;
    std::array<pollfd, 3> waiting{pollfd{out.read.get(), POLLIN, 0},
                                  pollfd{err.read.get(), POLLIN, 0},
                                  pollfd{quit.read.get(), POLLIN, 0}};
    while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
        if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
        for (std::size_t i = 0; i < pending.size(); ++i) {
            const bool ready = waiting[i].fd >= 0 && waiting[i].revents != 0;
            if (ready && !take_from(waiting[i].fd, pending[i])) waiting[i].fd = -1;
        }
        if (waiting[2].revents != 0) break;
    }
    output_over.store(true);
    changes.announce();
}

Process::Process(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
Process::~Process() = default;

pid_t Process::pid() const {
    return impl_->pid;
}
bool Process::running() const {
    return !impl_->ended.load();
}

void Process::signal(int number) const {
    if (running()) ::kill(impl_->pid, number);
}

void Process::send_input(std::string_view text) {
    while (!text.empty()) {
        const auto put = ::send(impl_->input.ours.get(), text.data(), text.size(), MSG_NOSIGNAL);
        if (put <= 0) break;
        text.remove_prefix(static_cast<std::size_t>(put));
    }
    impl_->input.ours.reset();
}

std::vector<std::string> Process::lines() const {
    return impl_->lines.with([](const auto& all) { return all; });
}

std::string Process::output() const {
    std::string all;
    for (const auto& line : lines()) all.append(line).push_back('\n');
    return all;
}

std::optional<std::string> Process::wait_for_line(std::string_view part,
                                                  base::Milliseconds patience) {
    std::optional<std::string> found;
    std::size_t looked_at = 0;
    const auto look = [&] {
        const bool over = impl_->output_over.load();
        const auto all = lines();
        for (; looked_at < all.size() && !found; ++looked_at)
            if (all[looked_at].find(part) != std::string::npos) found = all[looked_at];
        return found || over;
    };
    impl_->changes.wait_for(look, patience);
    return found;
}

std::optional<int> Process::wait_exit(base::Milliseconds patience) {
    const auto over = [&] { return impl_->ended.load() && impl_->output_over.load(); };
    if (!impl_->changes.wait_for(over, patience)) return std::nullopt;
    return impl_->status.with([&](std::optional<int>& known) {
        int status = 0;
        if (!known && ::waitpid(impl_->pid, &status, 0) == impl_->pid)
            known = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return known;
    });
}

ProcessUsage Process::usage() const {
    constexpr std::uint64_t kKibibyte = 1024;
    ProcessUsage usage;
    const auto proc = "/proc/" + std::to_string(impl_->pid);
    std::ifstream in(proc + "/status");
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("VmHWM:")) usage.peak_rss_bytes = status_value(line) * kKibibyte;
        if (line.starts_with("RssAnon:")) usage.rss_anon_bytes = status_value(line) * kKibibyte;
        if (line.starts_with("Threads:")) usage.threads = status_value(line);
    }
    usage.cpu_seconds = cpu_seconds_of(proc);
    std::error_code error;
    for (std::filesystem::directory_iterator at(proc + "/fd", error), end; !error && at != end;
         at.increment(error))
        ++usage.open_files;
    return usage;
}

}  // namespace espalier::test

// A Statement is one prepared SQL statement with its bound values and its current row.
//
// Values are bound by position; step() moves to the next row. A value that cannot be bound
// (no such position) is reported by the next step(). When it dies, the statement goes back to
// its connection, which keeps it for the next prepare() of the same text.
//
// Threads: the one that owns the Connection. Lifetime: within the Connection's.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace espalier::sqlite {

struct Prepared;  // the foreign part, in handles.h

class Statement {
public:
    explicit Statement(std::unique_ptr<Prepared> prepared);
    ~Statement();
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&& other) noexcept;
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    // Binds the values to ?1, ?2, … and starts afresh. Texts and blobs are copied.
    template <class... Values>
    Statement& bind(const Values&... values) {
        reset();
        int index = 0;
        (bind_at(++index, values), ...);
        return *this;
    }

    // true: there is a row to read; false: done. Errors: as error_of().
    base::Result<bool> step();
    // Steps to the end, rows are skipped.
    base::Result<void> run();
    // Calls `use(*this)` for every row.
    template <class Use>
    base::Result<void> each(Use&& use) {
        for (;;) {
            auto row = step();
            if (!row) return std::unexpected(std::move(row).error());
            if (!*row) return {};
            use(std::as_const(*this));
        }
    }

    // Columns of the current row, counted from 0. Views live until the next step().
    std::int64_t integer(int column) const;
    std::string_view text(int column) const;
    std::span<const std::byte> blob(int column) const;
    bool is_null(int column) const;

private:
    void reset();
    void bind_at(int index, std::int64_t number);
    void bind_at(int index, std::string_view text);
    void bind_at(int index, std::span<const std::byte> bytes);
    void bind_at(int index, std::nullptr_t);
    template <std::integral Number>
    void bind_at(int index, Number number) {
        bind_at(index, static_cast<std::int64_t>(number));
    }

    std::unique_ptr<Prepared> prepared_;
    int bind_fault_ = 0;  // the first SQLite code that binding met, 0 = none
};

}  // namespace espalier::sqlite

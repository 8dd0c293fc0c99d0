// SPDX-License-Identifier: BSD-3-Clause
#include "config/document.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>

#include <nlohmann/json.hpp>

namespace gh::config {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxDepth = 32;  // of a tree that is destroyed by recursion
constexpr std::size_t kMaxShown = 64;  // characters of a value in a message

/// Feeds the parser and counts what it took: the only way to learn where a value stands.
class CountingIterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingIterator(const char* at, std::size_t& taken) : at_(at), taken_(&taken) {}
    reference operator*() const { return *at_; }
    CountingIterator& operator++()
    {
        ++at_;
        ++*taken_;
        return *this;
    }
    bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
    bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

private:
    const char* at_;
    std::size_t* taken_;
};

/// "[json.exception.parse_error.101] parse error at line 1, column 8: syntax error while parsing
/// object key - unexpected '}'; expected string literal" without what we say better ourselves.
std::string reason_of(const std::string& what)
{
    for (const std::string_view start : {"syntax error while parsing ", "] "})
        if (const auto at = what.find(start); at != std::string::npos)
            return what.substr(at + start.size());
    return what;
}

/// What usually stands behind a syntax error, by the character that was not expected.
std::string_view hint_for(std::string_view rest, std::string_view before)
{
    if (rest.starts_with("#"))
        return "; a comment begins with //";
    if (rest.starts_with("'"))
        return "; JSON strings stand in double quotes";
    if (rest.starts_with("0x") || (before.ends_with("0") && rest.starts_with("x")))
        return "; write a hexadecimal number as a string, such as \"0x80000000\"";
    if ((rest.starts_with("}") || rest.starts_with("]")) && before.ends_with(","))
        return "; the comma before it is one too many";
    if (rest.starts_with("\"") && !before.ends_with(",") && !before.ends_with(":"))
        return "; is a comma missing before it?";
    return "";
}

class TreeBuilder : public nlohmann::json_sax<json> {
public:
    TreeBuilder(std::string_view text, Complaints& complaints)
        : text_(text), complaints_(complaints)
    {
    }

    bool parse()
    {
        const CountingIterator first{text_.data(), taken_};
        const CountingIterator last{text_.data() + text_.size(), taken_};
        constexpr bool kWhole = true;  // nothing may follow
        constexpr bool kIgnoreComments = true;
        return json::sax_parse(first, last, this, nlohmann::json::input_format_t::json, kWhole,
                               kIgnoreComments);
    }
    Node take_root() { return std::move(root_); }

    bool null() override { return scalar(Node::Type::Null); }
    bool boolean(bool) override { return scalar(Node::Type::Boolean); }
    bool number_integer(json::number_integer_t) override { return scalar(Node::Type::OtherNumber); }
    bool number_unsigned(json::number_unsigned_t value) override
    {
        const bool going_on = scalar(Node::Type::Integer);
        last_->integer = value;
        return going_on;
    }
    bool number_float(json::number_float_t, const std::string&) override
    {
        return scalar(Node::Type::OtherNumber);
    }
    bool string(std::string& value) override
    {
        const bool going_on = scalar(Node::Type::Text);
        last_->text = std::move(value);
        return going_on;
    }
    bool binary(json::binary_t&) override { return false; }

    bool start_object(std::size_t) override { return open(Node::Type::Object); }
    bool start_array(std::size_t) override { return open(Node::Type::List); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(std::string& name) override
    {
        stack_.back()->members.push_back({name, place_at(next_token()), {}});
        token_end_ = taken_;
        return true;
    }

    /// What is wrong with all of it rather than with a character. Empty: nothing.
    [[nodiscard]] std::string_view strangeness() const
    {
        if (text_.find_first_not_of(" \t\r\n\xef\xbb\xbf") == std::string_view::npos)
            return R"(the file is empty; expected an object such as {"kernel": "Image"})";
        if (text_.starts_with("\xff\xfe") || text_.starts_with("\xfe\xff"))
            return "the file is in UTF-16; save it as UTF-8";
        if (text_.find('\0') != std::string_view::npos)
            return "the file has bytes that no text has; expected a configuration in JSON";
        return {};
    }

    bool parse_error(std::size_t position, const std::string&,
                     const nlohmann::detail::exception& error) override
    {
        if (const auto strange = strangeness(); !strange.empty()) {
            complaints_.add({1, 1, {}}, "", "not JSON: " + std::string(strange));
            return false;
        }
        const std::size_t read = position == 0 ? 0 : position - 1;
        const std::size_t at = std::max(counted_, std::min(read, next_token()));
        auto before = text_.substr(0, at);
        while (!before.empty() && std::isspace(static_cast<unsigned char>(before.back())) != 0)
            before.remove_suffix(1);
        complaints_.add(place_at(at), "",
                        "not JSON: " + reason_of(error.what()) +
                            std::string(hint_for(text_.substr(at), before)));
        return false;
    }

private:
    /// Between two tokens stand only blanks, commas, colons and comments (and a byte order mark at
    /// the top).
    [[nodiscard]] std::size_t next_token() const
    {
        std::size_t at = token_end_;
        do
            at = std::min(text_.find_first_not_of(" \t\r\n,:\xef\xbb\xbf", at), text_.size());
        while (skip_comment(at));
        return at;
    }

    /// Moves `at` behind the comment that begins there, if one does that has an end.
    [[nodiscard]] bool skip_comment(std::size_t& at) const
    {
        const std::string_view rest = text_.substr(at);
        const std::string_view end = rest.starts_with("//") ? "\n" : "*/";
        if (!rest.starts_with("//") && !rest.starts_with("/*"))
            return false;
        const std::size_t found = rest.find(end, 2);
        if (found == std::string_view::npos)
            return false;
        at += found + end.size();
        return true;
    }

    /// Lines are counted as the parser goes, so that a long file costs no more than its length.
    Place place_at(std::size_t offset)
    {
        for (; counted_ < offset; ++counted_) {
            if (text_[counted_] != '\n')
                continue;
            ++line_;
            line_start_ = counted_ + 1;
        }
        return {line_, static_cast<unsigned>(offset - line_start_) + 1, {}};
    }

    Node& add(Node::Type type)
    {
        Node* node = &root_;
        if (!stack_.empty() && stack_.back()->type == Node::Type::List)
            node = &stack_.back()->items.emplace_back();
        else if (!stack_.empty())
            node = &stack_.back()->members.back().value;
        node->type = type;
        node->place = place_at(next_token());
        last_ = node;
        return *node;
    }

    bool scalar(Node::Type type)
    {
        const std::size_t start = next_token();
        Node& node = add(type);
        token_end_ = taken_;
        // The parser looks one character behind a number.
        const bool is_number = type == Node::Type::Integer || type == Node::Type::OtherNumber;
        if (is_number &&
            std::string_view("0123456789").find(text_[taken_ - 1]) == std::string::npos)
            --token_end_;
        node.text = text_.substr(start, token_end_ - start);
        return true;
    }

    bool open(Node::Type type)
    {
        Node& node = add(type);
        if (stack_.size() == kMaxDepth) {
            complaints_.add(node.place, "",
                            "got values nested more than " + std::to_string(kMaxDepth) + " deep");
            return false;
        }
        stack_.push_back(&node);
        token_end_ = taken_;
        return true;
    }

    bool close()
    {
        stack_.pop_back();
        token_end_ = taken_;
        return true;
    }

    std::string_view text_;
    Complaints& complaints_;
    std::size_t taken_ = 0;      // bytes the parser has read
    std::size_t token_end_ = 0;  // where the last token that made an event ends
    std::size_t counted_ = 0;    // lines are counted up to here
    std::size_t line_start_ = 0;
    unsigned line_ = 1;
    Node root_;
    Node* last_ = nullptr;
    std::vector<Node*> stack_;  // the open objects and lists; none of them grows while one is open
};

const Node* step_into(const Node& node, std::string_view name)
{
    if (node.type == Node::Type::Object)
        return node.find(name);
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    const bool is_index = error == std::errc{} && end == name.data() + name.size();
    if (node.type == Node::Type::List && is_index && index < node.items.size())
        return &node.items[index];
    return node.type == Node::Type::List ? nullptr : &node;
}

}  // namespace

std::string shortened(std::string_view text)
{
    if (text.size() <= kMaxShown)
        return std::string(text);
    return std::string(text.substr(0, kMaxShown / 2)) + "..." +
           std::string(text.substr(text.size() - kMaxShown / 4));
}

const Node* Node::find(std::string_view name) const
{
    const auto found = std::find_if(members.rbegin(), members.rend(),
                                    [name](const Member& member) { return member.name == name; });
    return found == members.rend() ? nullptr : &found->value;
}

Node* Node::find(std::string_view name)
{
    return const_cast<Node*>(std::as_const(*this).find(name));
}

std::optional<Node> parse_document(std::string_view text, Complaints& complaints)
{
    TreeBuilder builder{text, complaints};
    if (!builder.parse())
        return std::nullopt;
    return builder.take_root();
}

std::string in_quotes(std::string_view text)
{
    return json(shortened(text)).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string describe(const Node& node)
{
    switch (node.type) {
    case Node::Type::Text: return in_quotes(node.text);
    case Node::Type::Object: return "an object";
    case Node::Type::List:
        return "a list of " + std::to_string(node.items.size()) +
               (node.items.size() == 1 ? " value" : " values");
    case Node::Type::Null:
    case Node::Type::Boolean:
    case Node::Type::Integer:
    case Node::Type::OtherNumber: return shortened(node.text);
    }
    return {};
}

const Node& node_at(const Node& root, std::string_view path)
{
    const Node* node = &root;
    while (!path.empty()) {
        const auto dot = path.find('.');
        const Node* const next = step_into(*node, path.substr(0, dot));
        if (next == nullptr)
            break;
        node = next;
        path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
    }
    return *node;
}

}  // namespace gh::config

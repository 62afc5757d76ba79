using System.Text.Json.Nodes;
using Vernier.Errors;
using Vernier.Files;
using Vernier.Files.Tokenizers;
using Vernier.Files.Tokenizers.Rules;

namespace Vernier.Tests;

/// <summary>What the files beside tokenizer.json change of token ids: each row changes one member alone.</summary>
public sealed class TokenizerSettingTests : IDisposable
{
    private const string Config = "tokenizer_config.json", Map = "special_tokens_map.json", Older = "added_tokens.json";

    private readonly TempFolder _work = new();

    /// <summary>The tokenizer, the file, the member, and the ids of " the&lt;s&gt;" with special tokens around and in it. In the
    /// SentencePiece
    /// kind the space is ▁ and 266 is ▁the, 267 is ▁▁, 1 is &lt;s&gt;, 2 is &lt;/s&gt;; with a template of both.</summary>
    public static TheoryData<string, string, string, string> Ids { get; } = new()
    {
        { "sentencepiece", Config, "{}", "<s> ▁ ▁the <s> </s>" },
        { "sentencepiece", Config, """{"add_bos_token":false}""", "<s> ▁ ▁the <s> </s>" },
        { "sentencepiece", Config, """{"tokenizer_class":"LlamaTokenizer","bos_token":"<s>"}""", "<s> ▁ ▁the <s>" },
        { "sentencepiece", Config, """{"tokenizer_class":"LlamaTokenizerFast","bos_token":"<s>","add_bos_token":false}""", "▁ ▁the <s>" },
        { "sentencepiece", Config, """{"tokenizer_class":"GemmaTokenizer","bos_token":"<s>","eos_token":"</s>","add_eos_token":true}""",
            "<s> ▁ ▁the <s> </s>" },
        { "sentencepiece", Config, """{"tokenizer_class":"LlamaTokenizer"}""", "▁ ▁the <s>" },
        { "sentencepiece", Config, """{"tokenizer_class":"PreTrainedTokenizerFast","add_bos_token":false}""", "<s> ▁ ▁the <s> </s>" },
        { "sentencepiece", Config, """{"add_prefix_space":true}""", "<s> ▁ ▁the <s> </s>" },
        { "sentencepiece", Config, """{"add_prefix_space":null,"legacy":false}""", "<s> ▁ ▁the <s> </s>" },
        { "sentencepiece", Config, """{"split_special_tokens":false,"from_slow":false}""", "<s> ▁ ▁the <s> </s>" },
        { "sentencepiece", Config, """{"added_tokens_decoder":{"ID:e":{"content":"e","normalized":false}}}""", "<s> ▁ ▁t h e <s> </s>" },
        { "sentencepiece", Config, """{"additional_special_tokens":["he"]}""", "<s> ▁ ▁t he <s> </s>" },
        { "sentencepiece", Config, """{"additional_special_tokens":["none of these"]}""", "<s> ▁ ▁the <s> </s>" },
        { "sentencepiece", Config, """{"pad_token":{"content":"he","lstrip":true}}""", "<s> ▁ ▁t he <s> </s>" },
        { "sentencepiece", Config, """{"model_max_length":Infinity,"clean_up_tokenization_spaces":true}""", "<s> ▁ ▁the <s> </s>" },
        { "sentencepiece", Map, """{"mask_token":"he"}""", "<s> ▁ ▁t he <s> </s>" },
        { "sentencepiece", Older, """{"the next":NEXT}""", "<s> ▁ ▁the <s> </s>" },
        { "sentencepiece", Older, """{"▁ the<":NEXT}""", "<s> ▁ ▁the <s> </s>" },
        { "sentencepiece", Older, """{"e":ID:e}""", "<s> ▁ ▁the <s> </s>" },
        { "gpt2", Config, "{}", "Ġthe < s >" },
        { "gpt2", Config, """{"add_prefix_space":true}""", "Ġthe < s >" },
        { "gpt2", Config, """{"eos_token":"h","add_eos_token":true}""", "Ġt h e < s > h" },
        { "gpt2", Config, """{"bos_token":{"content":"e"},"add_bos_token":true}""", "e Ġt h e < s >" },
        { "llama3", Config, """{"add_prefix_space":true}""", "<|begin_of_text|> Ġthe < s >" },
    };

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_member_does_to_the_ids_what_it_does_in_the_library(string name, string file, string text, string expected)
    {
        Tokenizer tokenizer = Load(name, file, text);
        int[] ids = tokenizer.Encode(" the<s>", addSpecialTokens: true, parseSpecialTokens: true);
        Assert.Equal(expected, string.Join(' ', ids.Select(tokenizer.TokenText)));
        Assert.Empty(tokenizer.NotUnderstood);
    }

    [Fact]
    public void A_prefix_is_put_where_the_configuration_says()
    {
        Assert.Equal("the", Text(Load("gpt2", Config, """{"add_prefix_space":false}"""), "the"));
        Assert.Equal("Ġthe", Text(Load("gpt2", Config, """{"add_prefix_space":true}"""), "the"));

        static string Text(Tokenizer tokenizer, string text) =>
            string.Concat(tokenizer.Encode(text).Select(tokenizer.TokenText));
    }

    /// <summary>Where tokenizer_config.json lists the tokens, the older files are not asked.</summary>
    [Fact]
    public void The_older_files_count_alone()
    {
        Load("sentencepiece", Older, """{"the next":9999}""", "{}", load: false);
        Assert.Throws<InvalidFileException>(() => Tokenizer.Load(_work.Path));
        File.WriteAllText(_work[Config], """{"added_tokens_decoder":{},"bos_token":"<s>"}""");
        File.WriteAllText(_work[Map], """{"bos_token":"</s>"}""");
        Assert.Equal(1, Tokenizer.Load(_work.Path).BosId);
        File.WriteAllText(_work[Config], """{"bos_token":"<s>"}""");
        File.Delete(_work[Older]);
        Assert.Equal(2, Tokenizer.Load(_work.Path).BosId);
    }

    public static TheoryData<string, string, string, string> Refused { get; } = new()
    {
        { Config, """{"split_special_tokens":true}""", TokenizerRules.UnsupportedSetting, "'split_special_tokens' is true" },
        { Config, """{"from_slow":true}""", TokenizerRules.UnsupportedSetting, "'from_slow' is true" },
        { Config, """{"fix_mistral_regex":true}""", TokenizerRules.UnsupportedSetting, "'fix_mistral_regex' is true" },
        { Config, """{"add_prefix_space":false}""", TokenizerRules.Contradiction,
            "add_prefix_space is false, and tokenizer.json adds a space" },
        { Config, """{"added_tokens_decoder":{"7":{"content":"</s>"}}}""", TokenizerRules.Contradiction, "'</s>' has the id 7, and in" },
        { Config, """{"added_tokens_decoder":{"9999":{"content":"<x>"}}}""", TokenizerRules.Contradiction, "in tokenizer.json none" },
        { Config, """{"added_tokens_decoder":[]}""", TokenizerRules.WrongType, "added_tokens_decoder: this should be an object" },
        { Config, """{"tokenizer_class":NaN}""", FileRules.JsonNotFinite, "'tokenizer_class' is NaN" },
        { Config, """{"bos_token":"<none>"}""", TokenizerRules.UnknownSpecialToken, "the token '<none>' isn't in the vocabulary" },
        { Config, """{"tokenizer_class":"LlamaTokenizer","add_eos_token":true}""", TokenizerRules.UnknownSpecialToken, "no eos_token" },
        { Map, """{"eos_token":{"content":"<none>"}}""", TokenizerRules.UnknownSpecialToken, "the token '<none>' isn't in the vocabulary" },
        { Older, """{"</s>":7}""", TokenizerRules.Contradiction, "'</s>' has the id 7, and in tokenizer.json 2" },
        { Older, """{"<x>":9999}""", TokenizerRules.Contradiction, "'<x>' has the id 9999, and in tokenizer.json none" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_contradicts_or_is_not_done_is_refused_by_name(string file, string text, string rule, string message)
    {
        InvalidFileException error = Assert.Throws<InvalidFileException>(() => Load("sentencepiece", file, text));
        Assert.Equal((rule, _work[file]), (error.Rule, error.File));
        Assert.Contains(message, error.Problem, StringComparison.Ordinal);
    }

    /// <summary>What is harmless may have any value, and what nothing is known of is listed.</summary>
    [Fact]
    public void Every_setting_of_the_lists_is_shown()
    {
        (IReadOnlyCollection<string> refused, IReadOnlyCollection<string> harmless) = TokenizerSettings.Names;
        Assert.Equal(refused.Order(), Refused.Where(row => row.Data.Item3 == TokenizerRules.UnsupportedSetting)
            .Select(row => JsonNode.Parse(row.Data.Item2)!.AsObject().Single().Key).Order());
        Assert.Empty(refused.Intersect(harmless));
        string[] read = ["add_bos_token", "add_eos_token", "add_prefix_space", "added_tokens_decoder", "additional_special_tokens",
            "tokenizer_class"];
        var all = new JsonObject([.. harmless.Except(read).Select(name => KeyValuePair.Create(name, (JsonNode?)new JsonArray(1, "x")))])
        {
            ["flux"] = 1, ["image_token"] = "none",
        };
        Tokenizer with = Load("sentencepiece", Config, all.ToJsonString());
        Assert.Equal(["flux"], with.NotUnderstood);
        Assert.Equal(Load("sentencepiece", Config, "{}").Encode("hello world", addSpecialTokens: true),
            with.Encode("hello world", addSpecialTokens: true));
    }

    public void Dispose() => _work.Dispose();

    private Tokenizer Load(string name, string file, string text, string config = "{}", bool load = true)
    {
        JsonObject document = TokenizerFixtures.Create(name);
        JsonObject vocabulary = document["model"]!["vocab"]!.AsObject();
        File.WriteAllText(_work["tokenizer.json"], document.ToJsonString());
        File.WriteAllText(_work[Config], config);
        File.WriteAllText(_work[file], text.Replace("NEXT", $"{vocabulary.Count}", StringComparison.Ordinal)
            .Replace("ID:e", $"{vocabulary["e"]}", StringComparison.Ordinal));
        return load ? Tokenizer.Load(_work.Path) : null!;
    }
}

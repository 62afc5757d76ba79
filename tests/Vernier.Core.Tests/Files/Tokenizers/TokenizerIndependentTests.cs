using Vernier.Files.Tokenizers;

namespace Vernier.Tests;

/// <summary>Ids and decoded texts of the small tokenizers, computed with an independent implementation.</summary>
public class TokenizerIndependentTests
{
    public static TheoryData<string, string, int[], string> Cases => new()
    {
        { "gpt2", "hello world", [259, 264], "hello world" },
        { "gpt2", "Hello, World 12345", [72, 101, 257, 111, 44, 32, 87, 261, 263, 32, 266, 52, 53], "Hello, World 12345" },
        { "gpt2", "it's IT'S '\u017f", [105, 116, 270, 32, 73, 84, 39, 83, 32, 39, 197, 191], "it's IT'S '\u017f" },
        { "gpt2", "a  b   c \n\n d", [97, 32, 32, 98, 267, 32, 99, 32, 10, 10, 32, 100], "a  b   c \n\n d" },
        { "gpt2", "na\u00efve caf\u00e9", [110, 97, 195, 175, 118, 101, 32, 99, 97, 102, 272], "na\u00efve caf\u00e9" },
        { "gpt2", "\ud835\udc9c\ud835\udcb7\ud835\udcb8 x", [240, 157, 146, 156, 240, 157, 146, 183, 240, 157, 146, 184, 32, 120],
            "\ud835\udc9c\ud835\udcb7\ud835\udcb8 x" },
        { "gpt2", "\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67 \ud83d\ude42",
            [240, 159, 145, 169, 226, 128, 141, 240, 159, 145, 169, 226, 128, 141, 240, 159, 145, 167, 32, 240, 159, 153, 130],
            "\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67 \ud83d\ude42" },
        { "gpt2", "e\u0301 A\u030a", [101, 204, 129, 32, 65, 204, 138], "e\u0301 A\u030a" },
        { "gpt2", "a\u0085b\u00a0c\u3000d", [97, 194, 133, 98, 194, 160, 99, 227, 128, 128, 100], "a\u0085b\u00a0c\u3000d" },
        { "gpt2", "\u0967\u0968\u0969 \u00bd", [224, 165, 167, 224, 165, 168, 224, 165, 169, 32, 194, 189], "\u0967\u0968\u0969 \u00bd" },
        { "gpt2", "x!?\u2026\n\ny", [120, 33, 63, 226, 128, 166, 10, 10, 121], "x!?\u2026\n\ny" },
        { "gpt2", "\r\n\t in the", [13, 10, 9, 268, 275], "\r\n\t in the" },
        { "llama3", "hello world", [278, 259, 264], "hello world" },
        { "llama3", "Hello, World 12345", [278, 277, 44, 32, 87, 261, 263, 32, 266, 52, 53], "Hello, World 12345" },
        { "llama3", "it's IT'S '\u017f", [278, 105, 116, 270, 32, 73, 84, 271, 32, 39, 197, 191], "it's IT'S '\u017f" },
        { "llama3", "a  b   c \n\n d", [278, 97, 32, 32, 98, 267, 32, 99, 32, 10, 10, 32, 100], "a  b   c \n\n d" },
        { "llama3", "na\u00efve caf\u00e9", [278, 110, 97, 195, 175, 118, 101, 32, 99, 97, 102, 272], "na\u00efve caf\u00e9" },
        { "llama3", "\ud835\udc9c\ud835\udcb7\ud835\udcb8 x", [278, 240, 157, 146, 156, 240, 157, 146, 183, 240, 157, 146, 184, 32, 120],
            "\ud835\udc9c\ud835\udcb7\ud835\udcb8 x" },
        { "llama3", "\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67 \ud83d\ude42",
            [278, 240, 159, 145, 169, 226, 128, 141, 240, 159, 145, 169, 226, 128, 141, 240, 159, 145, 167, 32, 240, 159, 153, 130],
            "\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67 \ud83d\ude42" },
        { "llama3", "e\u0301 A\u030a", [278, 101, 204, 129, 32, 65, 204, 138], "e\u0301 A\u030a" },
        { "llama3", "a\u0085b\u00a0c\u3000d", [278, 97, 194, 133, 98, 194, 160, 99, 227, 128, 128, 100], "a\u0085b\u00a0c\u3000d" },
        { "llama3", "\u0967\u0968\u0969 \u00bd", [278, 224, 165, 167, 224, 165, 168, 224, 165, 169, 32, 194, 189],
            "\u0967\u0968\u0969 \u00bd" },
        { "llama3", "x!?\u2026\n\ny", [278, 120, 33, 63, 226, 128, 166, 10, 10, 121], "x!?\u2026\n\ny" },
        { "llama3", "\r\n\t in the", [278, 13, 10, 9, 268, 275], "\r\n\t in the" },
        { "llama3", "a test Hello hello", [278, 97, 276, 32, 72, 101, 257, 111, 32, 259], "a test Hello hello" },
        { "llama3", "<|begin_of_text|>hello<|eot_id|>", [278, 278, 259, 279], "hello" },
        { "qwen", "hello world", [259, 264], "hello world" },
        { "qwen", "Hello, World 12345", [72, 101, 257, 111, 44, 32, 87, 261, 263, 32, 49, 50, 51, 52, 53], "Hello, World 12345" },
        { "qwen", "it's IT'S '\u017f", [105, 116, 270, 32, 73, 84, 271, 32, 39, 197, 191], "it's IT'S '\u017f" },
        { "qwen", "a  b   c \n\n d", [97, 32, 32, 98, 267, 32, 99, 32, 10, 10, 32, 100], "a  b   c \n\n d" },
        { "qwen", "na\u00efve caf\u00e9", [110, 97, 195, 175, 118, 101, 32, 99, 97, 102, 272], "na\u00efve caf\u00e9" },
        { "qwen", "\ud835\udc9c\ud835\udcb7\ud835\udcb8 x", [240, 157, 146, 156, 240, 157, 146, 183, 240, 157, 146, 184, 32, 120],
            "\ud835\udc9c\ud835\udcb7\ud835\udcb8 x" },
        { "qwen", "\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67 \ud83d\ude42",
            [240, 159, 145, 169, 226, 128, 141, 240, 159, 145, 169, 226, 128, 141, 240, 159, 145, 167, 32, 240, 159, 153, 130],
            "\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67 \ud83d\ude42" },
        { "qwen", "e\u0301 A\u030a", [272, 32, 195, 133], "\u00e9 \u00c5" },
        { "qwen", "a\u0085b\u00a0c\u3000d", [97, 194, 133, 98, 194, 160, 99, 227, 128, 128, 100], "a\u0085b\u00a0c\u3000d" },
        { "qwen", "\u0967\u0968\u0969 \u00bd", [224, 165, 167, 224, 165, 168, 224, 165, 169, 32, 194, 189], "\u0967\u0968\u0969 \u00bd" },
        { "qwen", "x!?\u2026\n\ny", [120, 33, 63, 226, 128, 166, 10, 10, 121], "x!?\u2026\n\ny" },
        { "qwen", "\r\n\t in the", [13, 10, 9, 268, 275], "\r\n\t in the" },
        { "sentencepiece", "hello world", [1, 259, 277, 282, 2], "hello world" },
        { "sentencepiece", "  hello    world ", [1, 283, 259, 277, 283, 259, 282, 259, 2], "  hello    world " },
        { "sentencepiece", "the \u00e9 \u65e5\u672c A.", [1, 274, 259, 270, 259, 233, 154, 168, 233, 159, 175, 259, 271, 269, 2],
            "the \u00e9 \u65e5\u672c A." },
        { "sentencepiece", "\nthe\t\u03b8", [1, 259, 13, 260, 273, 12, 209, 187, 2], "\nthe\t\u03b8" },
        { "sentencepiece", "<s>hello</s> world", [1, 1, 259, 277, 2, 259, 282, 2], "hello  world" },
        { "sentencepiece", "\u2581the \u2581", [1, 259, 274, 283, 2], " the  " },
        { "sentencepiece", "hello<unk>world", [1, 259, 277, 0, 282, 2], "hello world" },
        { "sentencepiece", "\ud83d\ude42", [1, 259, 243, 162, 156, 133, 2], "\ud83d\ude42" },
        { "metaspace", "hello world", [259, 277, 282], "hello world" },
        { "metaspace", "  hello    world ", [259, 259, 277, 259, 259, 259, 282, 259], " hello    world " },
        { "metaspace", "the \u00e9 \u65e5\u672c A.", [274, 259, 270, 259, 0, 259, 271, 269], "the \u00e9  A." },
        { "metaspace", "\nthe\t\u03b8", [259, 0, 260, 273, 0], "the" },
        { "metaspace", "<s>hello</s> world", [1, 277, 2, 282], "hello world" },
        { "metaspace", "\u2581the \u2581", [274, 259, 259], "the  " },
        { "metaspace", "hello<unk>world", [259, 277, 0, 265, 279, 280], "helloworld" },
        { "metaspace", "\ud83d\ude42", [259, 0], "" },
        { "added", "x <left> y", [120, 276, 32, 121], "x<left> y" },
        { "added", "x  <right>  y", [120, 267, 277, 121], "x  <right>y" },
        { "added", "x \t<both>\n y", [120, 278, 121], "x<both>y" },
        { "added", "word", [279], "word" },
        { "added", "a word.", [97, 32, 279, 46], "a word." },
        { "added", "sword words word_", [115, 119, 261, 100, 262, 100, 115, 262, 100, 95], "sword words word_" },
        { "added", "ABC ABCD ABCDE abc", [280, 32, 280, 100, 32, 281, 32, 97, 98, 99], "ABC ABCd ABCDE abc" },
        { "added", "NORM norm xNormy", [282, 32, 282, 32, 120, 282, 121], "Norm Norm xNormy" },
        { "added", "one two one  two", [284, 32, 111, 110, 101, 32, 274, 119, 111], "one two one  two" },
        { "added", "a<end>b <end>", [97, 283, 98, 32, 283], "ab " },
        { "clip", "lower low", [15, 12], "lower low" },
        { "clip", "LOWER", [15], "lower" },
        { "clip", "slow", [0, 12], "<unk>low" },
        { "clip", "low lowe", [12, 13, 8], "low lowe" },
        { "clip", "", [], "" },
        { "clip", "  ", [], "" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void IdsAndTextAreThoseOfAnIndependentImplementation(string name, string text, int[] ids, string decoded)
    {
        using var folder = new TokenizerFolder(TokenizerFixtures.Create(name));
        Tokenizer tokenizer = folder.Load();
        Assert.Equal(ids, tokenizer.Encode(text, addSpecialTokens: true, parseSpecialTokens: true));
        Assert.Equal(decoded, tokenizer.Decode(ids));
    }
}

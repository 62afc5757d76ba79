using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Tests;

/// <summary>Normalization forms, on the cases of Unicode Standard Annex 15 and the laws that hold for all text.</summary>
public class UnicodeNormalizationTests
{
    [Theory]
    [InlineData("\u212B", "\u00C5", "A\u030A", "\u00C5", "A\u030A")]
    [InlineData("\u2126", "\u03A9", "\u03A9", "\u03A9", "\u03A9")]
    [InlineData("\u1E9B\u0323", "\u1E9B\u0323", "\u017F\u0323\u0307", "\u1E69", "s\u0323\u0307")]
    [InlineData("d\u0307\u0323", "\u1E0D\u0307", "d\u0323\u0307", "\u1E0D\u0307", "d\u0323\u0307")]
    [InlineData("\uFB01", "\uFB01", "\uFB01", "fi", "fi")]
    [InlineData("2\u2075", "2\u2075", "2\u2075", "25", "25")]
    [InlineData("\u0958", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C", "\u0915\u093C")]
    [InlineData("\u1112\u1161\u11AB", "\uD55C", "\u1112\u1161\u11AB", "\uD55C", "\u1112\u1161\u11AB")]
    [InlineData("\uAC00\u11A8", "\uAC01", "\u1100\u1161\u11A8", "\uAC01", "\u1100\u1161\u11A8")]
    [InlineData("\uAC01\u11A8", "\uAC01\u11A8", "\u1100\u1161\u11A8\u11A8", "\uAC01\u11A8", "\u1100\u1161\u11A8\u11A8")]
    [InlineData("a\u0315\u0300\u05AE\u0300b", "\u00E0\u05AE\u0300\u0315b", "a\u05AE\u0300\u0300\u0315b", "\u00E0\u05AE\u0300\u0315b",
        "a\u05AE\u0300\u0300\u0315b")]
    [InlineData("\U0001D15E", "\U0001D157\U0001D165", "\U0001D157\U0001D165", "\U0001D157\U0001D165", "\U0001D157\U0001D165")]
    [InlineData("\U00011131\U00011127", "\U0001112E", "\U00011131\U00011127", "\U0001112E", "\U00011131\U00011127")]
    [InlineData("\u0344", "\u0308\u0301", "\u0308\u0301", "\u0308\u0301", "\u0308\u0301")]
    [InlineData("plain", "plain", "plain", "plain", "plain")]
    public void KnownCases(string text, string nfc, string nfd, string nfkc, string nfkd)
    {
        Assert.Equal(nfc, UnicodeNormalization.Normalize(text, compose: true, compatibility: false));
        Assert.Equal(nfd, UnicodeNormalization.Normalize(text, compose: false, compatibility: false));
        Assert.Equal(nfkc, UnicodeNormalization.Normalize(text, compose: true, compatibility: true));
        Assert.Equal(nfkd, UnicodeNormalization.Normalize(text, compose: false, compatibility: true));
    }

    [Fact]
    public void FormsAreStableAndRelated()
    {
        var random = new Random(10);
        for (int i = 0; i < 5000; i++)
        {
            string text = RandomText.Next(random);
            foreach (bool compatibility in new[] { false, true })
            {
                string composed = UnicodeNormalization.Normalize(text, true, compatibility),
                    decomposed = UnicodeNormalization.Normalize(text, false, compatibility);
                Assert.Equal(composed, UnicodeNormalization.Normalize(composed, true, compatibility));
                Assert.Equal(decomposed, UnicodeNormalization.Normalize(decomposed, false, compatibility));
                Assert.Equal(composed, UnicodeNormalization.Normalize(decomposed, true, compatibility));
                Assert.Equal(decomposed, UnicodeNormalization.Normalize(composed, false, compatibility));
            }
        }
    }

    [Fact]
    public void ManyMarksTakeNoQuadraticTime()
    {
        string text = "a" + string.Concat(Enumerable.Repeat("\u0323\u0301", 500_000));
        Assert.Equal(1_000_000, UnicodeNormalization.Normalize(text, compose: true, compatibility: false).Length);
    }
}

using System.Text;
using Vernier.Files.Tokenizers.Patterns;
using Vernier.Files.Tokenizers.Unicode;

namespace Vernier.Tests;

/// <summary>Bytes as characters, texts that are no Unicode, classes of characters.</summary>
public class ByteAlphabetTests
{
    [Fact]
    public void EveryByteHasACharacterOfItsOwn()
    {
        Assert.Equal(256, ByteAlphabet.Characters.Distinct().Count());
        Assert.Equal(ByteAlphabet.Characters, ByteAlphabet.Span.ToArray());
        for (int value = 0; value < 256; value++)
        {
            char character = ByteAlphabet.Span[value];
            Assert.Equal(value, ByteAlphabet.Byte(character));
            Assert.False(char.IsControl(character) || char.IsWhiteSpace(character), $"{value:X2}");
            bool visible = value is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            Assert.Equal(visible, character == value);
        }
        Assert.Equal("ĀĠġĢŃ", new string([.. ((byte[])[0, 32, 127, 128, 0xAD]).Select(value => ByteAlphabet.Span[value])]));
        Assert.Equal(256, Enumerable.Range(0, char.MaxValue + 1).Count(c => ByteAlphabet.Byte((char)c) >= 0));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" a\n\u007f\u0080")]
    [InlineData("é€\u07ff\u0800\uffff")]
    [InlineData("\ud83d\ude00x\udbff\udfff")]
    public void ATextIsItsUtf8BytesAsCharacters(string text)
    {
        string expected = new([.. Encoding.UTF8.GetBytes(text).Select(value => ByteAlphabet.Span[value])]);
        Assert.Equal(expected, ByteAlphabet.Encode(text));
        var room = new char[3 * text.Length];
        Assert.Equal(expected.Length, ByteAlphabet.Encode(text.AsSpan(), room));
    }

    [Fact]
    public void LoneSurrogatesAreReplaced()
    {
        foreach ((string text, string expected) in (ReadOnlySpan<(string, string)>)[("\ud800", "\ufffd"), ("\udc00\ud800", "\ufffd\ufffd"),
            ("a\ud83db", "a\ufffdb"), ("\ud83d\ud83d\ude00", "\ufffd\ud83d\ude00"), ("\ud83d\ude00\ude00", "\ud83d\ude00\ufffd")])
        {
            Assert.Equal(expected, WellFormed.Of(text));
            Assert.Equal(expected, WellFormed.Of(expected));
            Assert.Equal(ByteAlphabet.Encode(expected), ByteAlphabet.Encode(text));
        }
    }

    [Fact]
    public void AWellFormedTextIsItself()
    {
        foreach (string text in (string[])["", "abc", "\ud7ff\ue000\uffff", new('x', 3)])
            Assert.Same(text, WellFormed.Of(text));
        Assert.Equal("\ud83d\ude00", WellFormed.Of("\ud83d\ude00"));
    }

    [Fact]
    public void EveryCodePointHasTheClassOfItsCategory()
    {
        for (int value = 0; value <= 0x10FFFF; value += value is >= 0x3000 and < 0x1F000 ? 7 : 1)
        {
            if (!Rune.IsValid(value))
                continue;
            var rune = new Rune(value);
            string text = "x" + rune + "x";
            CharacterClass expected = Rune.IsWhiteSpace(rune) ? CharacterClass.Whitespace : Rune.IsLetter(rune) ? CharacterClass.Letter
                : Rune.IsNumber(rune) ? CharacterClass.Number : CharacterClass.Other;
            Assert.True(expected == CharacterClasses.At(text, 1, out int length), $"{value:X}");
            Assert.Equal(rune.Utf16SequenceLength, length);
        }
        Assert.Equal(CharacterClass.Other, CharacterClasses.At("a", 1, out int none));
        Assert.Equal(0, none);
        // Half a pair stands alone.
        Assert.Equal(CharacterClass.Other, CharacterClasses.At("\ud835", 0, out int half));
        Assert.Equal(1, half);
    }

    [Theory]
    [InlineData("L", "aZé\u4e00\u02b0", "1_ \u0301")]
    [InlineData("Lu", "AÉ", "aé1")]
    [InlineData("N", "1\u0967½\u2160", "a_")]
    [InlineData("Nd", "1\u0967", "½\u2160a")]
    [InlineData("M", "\u0301\u20dd\u0903", "ea")]
    [InlineData("P", "!_-([{", "a+$")]
    [InlineData("S", "+$^`", "!_a")]
    [InlineData("Z", " \u00a0\u2028", "\na")]
    [InlineData("C", "\u0001\u200d\ue000", "a ")]
    public void ACategoryHoldsItsCodePointsAndAllOthersAreOutside(string category, string inside, string outside)
    {
        RuneSet set = new(), other = new() { Negated = true };
        Assert.True(set.TryAddCategory(category) && other.TryAddCategory(category));
        Assert.All(inside.EnumerateRunes(), rune => Assert.True(set.Contains(rune) && !other.Contains(rune), $"{rune.Value:X}"));
        Assert.All(outside.EnumerateRunes(), rune => Assert.True(!set.Contains(rune) && other.Contains(rune), $"{rune.Value:X}"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("l")]
    [InlineData("X")]
    [InlineData("Lx")]
    [InlineData("Ll ")]
    [InlineData("u ")]
    [InlineData(" L")]
    public void WhatIsNoCategoryIsRefused(string name)
    {
        var set = new RuneSet();
        Assert.False(set.TryAddCategory(name));
        Assert.False(set.Contains(new Rune('L')));
    }

    [Theory]
    [InlineData('k', "kK\u212a", "q")]
    [InlineData('S', "sS\u017f", "z\u00df")]
    [InlineData('\u017f', "sS\u017f", "t")]
    [InlineData('\u212a', "kK\u212a", "j")]
    [InlineData('é', "éÉ", "eE")]
    [InlineData('1', "1", "!")]
    public void CaseIsIgnoredWhereAsked(char member, string inside, string outside)
    {
        RuneSet exact = new(), folded = new() { IgnoreCase = true };
        exact.AddRange(member, member);
        folded.AddRange(member, member);
        foreach (Rune rune in inside.EnumerateRunes())
        {
            Assert.True(folded.Contains(rune), $"{rune.Value:X}");
            Assert.Equal(rune.Value == member, exact.Contains(rune));
        }
        Assert.All(outside.EnumerateRunes(), rune => Assert.False(folded.Contains(rune), $"{rune.Value:X}"));
    }

    [Fact]
    public void ASetWithinASetKeepsItsOwnNegation()
    {
        RuneSet digits = new() { Negated = true }, whole = new();
        digits.AddRange('0', '9');
        whole.AddSet(digits);
        whole.AddRange('5', '6');
        Assert.Equal("5ax6", string.Concat("15ax96".Where(c => whole.Contains(new Rune(c)))));
        whole.Negated = true;
        Assert.Equal("19", string.Concat("15ax96".Where(c => whole.Contains(new Rune(c)))));
    }
}

using Vernier.Errors;

namespace Vernier.Tests;

/// <summary>Messages name the file, the tensor, what is wrong and what can be done, whatever a file contains.</summary>
public class ErrorMessageTests
{
    [Fact]
    public void EachErrorHasItsPartsInOrder()
    {
        var cause = new IOException("disk");
        var invalid = new InvalidFileException("a/b.bin", "some-rule", "it is short", "Copy it again", "w", cause);
        Assert.Equal("a/b.bin: tensor 'w': it is short. Copy it again.", invalid.Message);
        Assert.Same(cause, invalid.InnerException);
        Check(invalid, "a/b.bin", "some-rule", "it is short", "Copy it again", "w");
        var unsupported = new UnsupportedModelException("m", "architecture", "it is new", "Wait");
        Assert.Equal("m: it is new. Wait.", unsupported.Message);
        Check(unsupported, "m", "architecture", "it is new", "Wait", null);
        var strict = new StrictRunException("m.safetensors", "the matrix is singular", "layer.3");
        Check(
            strict, "m.safetensors", "strict-fallback", "the matrix is singular",
            "Go on without strictness, which rounds it to nearest, or leave the tensor as it is", "layer.3");
        Assert.Null(strict.InnerException);
    }

    [Theory]
    [InlineData(1_000_000, 0, "needs 1 MB", "may take 0 MB", "at least 1 MB")]
    [InlineData(1_000_001, 999_999, "needs 2 MB", "may take 1 MB", "at least 2 MB")]
    [InlineData(20_480_000_000, 4_000_000_000, "needs 20480 MB", "may take 4000 MB", "at least 20480 MB")]
    public void MegabytesAreRoundedUp(long needed, long ceiling, string needs, string takes, string remedy)
    {
        var error = new MemoryCeilingException("model", needed, ceiling, "lm_head.weight");
        Assert.Equal((needed, ceiling, "memory-too-small"), (error.NeededBytes, error.CeilingBytes, error.Rule));
        Assert.Contains(needs, error.Problem, StringComparison.Ordinal);
        Assert.Contains(takes, error.Problem, StringComparison.Ordinal);
        Assert.Contains(remedy, error.Remedy, StringComparison.Ordinal);
        Assert.StartsWith("model: tensor 'lm_head.weight': the run needs", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ControlCharactersAndLengthsAreCutOnlyInTheMessage()
    {
        string name = "\u001b[31m\n\0" + new string('n', 200), problem = "bad\t" + new string('p', 700);
        var error = new InvalidFileException("f", "rule", problem, "Do it", name);
        Assert.Equal((name, problem), (error.Tensor, error.Problem));
        string shown = "\uFFFD[31m\uFFFD\uFFFD" + new string('n', 193) + "…", said = "bad\uFFFD" + new string('p', 596) + "…";
        Assert.Equal($"f: tensor '{shown}': {said}. Do it.", error.Message);
        string whole = new('x', 200);
        Assert.Equal($"f: tensor '{whole}': p. r.", new InvalidFileException("f", "rule", "p", "r", whole).Message);
    }

    private static void Check(VernierException error, string file, string rule, string problem, string remedy, string? tensor)
    {
        Assert.Equal((file, rule), (error.File, error.Rule));
        Assert.Equal((problem, remedy, tensor), (error.Problem, error.Remedy, error.Tensor));
    }
}

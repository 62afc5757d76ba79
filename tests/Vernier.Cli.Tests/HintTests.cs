using Vernier.Cli.Terminal;
using Vernier.Errors;

namespace Vernier.Tests;

/// <summary>Errors of the library, which knows of no options, are given the option that helps.</summary>
public class HintTests
{
    [Theory]
    [InlineData("output-exists", "With --force it is replaced.")]
    [InlineData("output-unfinished", "With --resume it goes on where it stopped, with --force it starts afresh.")]
    [InlineData("output-no-model", "--force replaces models alone.")]
    [InlineData("resume-other-inputs", "With --force in place of --resume it starts afresh.")]
    [InlineData("weight-not-finite", "The option for that is --keep.")]
    [InlineData("weight-out-of-range", "--keep leaves the tensor as it is.")]
    [InlineData("gguf-model-number-range", "--tensor-type NAME=F32 says it for one tensor, --type for all.")]
    [InlineData("importance-matrix-incomplete", "Without --strict it goes on.")]
    [InlineData("nothing-to-quantize", "See --keep and --embedding-bits.")]
    public void ARuleHasItsHint(string rule, string hint)
    {
        var error = new InvalidFileException("some/model", rule, "it is so", "Do this");
        Assert.Equal($"some/model: it is so. Do this. {hint}", Hints.Explain(error));
    }

    [Fact]
    public void AStrictRunIsToldHowToGoOn()
    {
        var error = new StrictRunException("some/model", "it has no data", "a.weight");
        Assert.EndsWith(". With --resume and without --strict it goes on; --keep leaves the tensor as it is.", Hints.Explain(error),
            StringComparison.Ordinal);
    }

    [Fact]
    public void ASmallCeilingIsToldTheLeastThatIsEnough()
    {
        var error = new MemoryCeilingException("some/model", neededBytes: 12_000_001, ceilingBytes: 5_000_000, tensor: "a.weight");
        Assert.EndsWith(" Say --memory 13MB.", Hints.Explain(error), StringComparison.Ordinal);
    }

    [Fact]
    public void WhereNoOptionHelpsTheMessageStandsAlone()
    {
        var error = new InvalidFileException("some/model", "header-too-large", "it is so", "Do this");
        Assert.Null(Hints.Of(error));
        Assert.Equal("some/model: it is so. Do this.", Hints.Explain(error));
    }
}

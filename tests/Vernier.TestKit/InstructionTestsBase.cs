using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.TestKit;

/// <summary>
/// The tests marked by <see cref="UsesInstructionsAttribute"/> once more, in processes that lack instructions of this machine. A test
/// assembly derives one class from it.
/// </summary>
public abstract class InstructionTestsBase
{
    private const string Switch = "VERNIER_TEST_SWITCH";

    [Theory]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public async Task TheTestsPassWithoutInstructions(string variable)
    {
        Assert.SkipWhen(ChildRun.IsChild, "this is the inner process");
        string[] filter = ["-trait", UsesInstructionsAttribute.Trait];
        ChildRun run = await ChildRun.Of(GetType().Assembly, filter, (variable, "0"), (Switch, variable));
        Assert.True(run.ExitCode == 0, run.Output);
        Assert.True(run.Tests > 1, run.Output);
    }

    [Fact]
    [UsesInstructions]
    public void TheInstructionsAreReallyOff()
    {
        string? variable = Environment.GetEnvironmentVariable(Switch);
        Assert.SkipWhen(variable is null, "this is the outer process");
        Assert.False(Avx512F.IsSupported);
        if (variable != "DOTNET_EnableAVX512")
            Assert.False(Avx2.IsSupported);
        if (variable == "DOTNET_EnableHWIntrinsic")
            Assert.False(Vector256.IsHardwareAccelerated);
    }
}

using System.Diagnostics;
using Vernier.Kernels;

namespace Vernier.Tests;

/// <summary>The kernel tests once more, in processes that lack instructions of this machine.</summary>
public class FeatureTests
{
    private const string Inner = "VERNIER_TEST_FEATURES";

    [Theory]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public async Task KernelsAgreeWithoutInstructions(string variable)
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable(Inner) is not null, "this is the inner process");
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Add(typeof(FeatureTests).Assembly.Location);
        foreach (Type type in (Type[])[typeof(IntegerKernelTests), typeof(PanelSourceTests), typeof(SquareRootPowerTests), typeof(Packing.Ggml.BlockFormatTests), typeof(FeatureTests)])
        {
            start.ArgumentList.Add("-class");
            start.ArgumentList.Add(type.FullName!);
        }
        start.Environment[variable] = "0";
        start.Environment[Inner] = variable;
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output);
    }

    [Fact]
    public void TheInstructionsAreReallyOff()
    {
        string? variable = Environment.GetEnvironmentVariable(Inner);
        Assert.SkipWhen(variable is null, "this is the outer process");
        string[] absent = variable switch
        {
            "DOTNET_EnableAVX512" => ["vnni-512"],
            "DOTNET_EnableAVX2" => ["vnni-512", "vnni-256", "avx2"],
            _ => ["vnni-512", "vnni-256", "avx2", "arm-dot"],
        };
        Assert.DoesNotContain(KernelRegistry.All, kernel => kernel.IsSupported && absent.Contains(kernel.Name));
    }
}

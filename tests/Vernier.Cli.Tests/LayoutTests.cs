using System.Text.Json;

namespace Vernier.Tests;

/// <summary>Recipes whose grids have layouts of their own, through every command.</summary>
public class LayoutTests(QuantizedQuill quantized)
{
    [Theory]
    [InlineData("ptqtp", 3, 128, 4.5, "")]
    [InlineData("easyquant", 4, 0, 5, "")]
    [InlineData("mxfp4", 4, 32, 4.9, "")]
    [InlineData("nvfp4", 4, 16, 5.1, "")]
    [InlineData("fp8", 8, 64, 8.7, "")]
    [InlineData("dgq", 4, 128, 4.8, "--sequences 4 --length 64")]
    [InlineData("zeroquant-fp", 4, 256, 5.6, "--sequences 4 --length 64")]
    public void A_model_is_written_listed_and_evaluated(string recipe, int bits, int group, double bitsPerWeight, string calibration)
    {
        using var folder = new TempFolder();
        string[] data = calibration.Length == 0 ? [] : ["--calibration", quantized.Text, .. calibration.Split(' ')];
        JsonElement planned =
            CommandRun.Json(["quantize", SharedData.Quill, "-o", folder["out"], "--recipe", recipe, "--no-eval", "--dry-run", .. data]);
        JsonElement written =
            CommandRun.Json(["quantize", SharedData.Quill, "-o", folder["out"], "--recipe", recipe, "--no-eval", .. data]);
        long bytes = written.GetProperty("after").GetProperty("bytes").GetInt64();
        Assert.Equal(planned.GetProperty("after").GetProperty("bytes").GetInt64(), bytes);
        Assert.Equal((bits, group), (written.GetProperty("bits").GetInt32(), written.GetProperty("group").GetInt32()));
        Assert.InRange(written.GetProperty("after").GetProperty("bits_per_weight").GetDouble(), bitsPerWeight - 0.5, bitsPerWeight + 0.5);
        JsonElement listed = CommandRun.Json("inspect", folder["out"]);
        Assert.Equal(bytes, listed.GetProperty("bytes").GetInt64());
        Assert.Contains(recipe, CommandRun.Succeeding("inspect", folder["out"]).Output, StringComparison.Ordinal);
        foreach (string arithmetic in (string[])["integer", "float"])
        {
            JsonElement result = CommandRun.Json("eval", folder["out"], "--against", SharedData.Quill, "--text", quantized.Text,
                "--windows", "2", "--window", "64", "--arithmetic", arithmetic);
            Assert.InRange(result.GetProperty("kl_divergence").GetDouble(), 1e-6, 0.2);
        }
    }

    [Fact]
    public void A_model_is_evaluated_by_sums_of_bit_patterns()
    {
        double[] divergences = [.. ((string[])["float", "l-mul"]).Select(arithmetic =>
            CommandRun.Json("eval", quantized.Folder, "--against", SharedData.Quill, "--text", quantized.Text, "--windows", "1", "--window",
                "64", "--arithmetic", arithmetic).GetProperty("kl_divergence").GetDouble())];
        Assert.True(divergences[1] > 2 * divergences[0], $"L-Mul {divergences[1]}, float {divergences[0]}");
        Assert.InRange(divergences[1], 0.01, 3);
    }

    [Fact]
    public void What_a_grid_does_not_leave_open_is_one_row()
    {
        JsonElement result = CommandRun.Json("compare", SharedData.Quill, "--recipes", "rtn,mxfp4,ptqtp", "--bits", "4,3", "--group",
            "64,32", "--text", quantized.Text, "--windows", "1", "--window", "32");
        Assert.Equal(
            ["rtn 4 64", "mxfp4 4 32", "ptqtp 3 64", "rtn 3 64", "rtn 4 32", "ptqtp 3 32", "rtn 3 32"],
            result.GetProperty("rows").EnumerateArray().Skip(1)
                .Select(row => $"{row.GetProperty("recipe").GetString()} {row.GetProperty("bits").GetInt32()} "
                + $"{row.GetProperty("group").GetInt32()}"));
        string[] own = [.. CommandRun.Json("compare", SharedData.Quill, "--recipes", "ptqtp,rtn", "--bits", "4", "--text", quantized.Text,
            "--windows", "1", "--window", "32")
            .GetProperty("rows").EnumerateArray().Skip(1).Select(row => $"{row.GetProperty("group").GetInt32()}")];
        Assert.Equal(["128", "64"], own);
    }
}

using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Vernier.Inference.Models;
using Vernier.Packing;
using Vernier.Quantization.Calibration;
using Vernier.Quantization.Pipeline;
using Vernier.Quantization.Recipes;
using Vernier.Quantization.Solvers;

namespace Vernier.Tests.Networks;

/// <summary>What is said of experts that calibration seldom or never reaches.</summary>
public class ExpertCoverageTests
{
    private const string Correction = "model.layers.1.mlp.gate.e_score_correction_bias";

    [Fact]
    public void AnExpertWithoutTokensIsRoundedAndNamedAndTheOthersTellWhatTheySaw()
    {
        using var work = new TempFolder();
        string path = SharedData.Require("models/tiny/glm4_moe/model.safetensors");
        byte[] file = File.ReadAllBytes(path);
        NeverChoose(file, expert: 3);
        File.WriteAllBytes(work["model.safetensors"], file);
        File.Copy(Path.Combine(Path.GetDirectoryName(path)!, "config.json"), work["config.json"]);

        using var model = Model.Open(work.Path);
        var plan = QuantizationPlan.Create(model,
            new QuantizationOptions { Recipe = RecipeCatalogue.Find("gptq"), Bits = 4, Granularity = Granularity.Group(16) });
        var calibration = new CalibrationSet([.. Enumerable.Range(0, 4).Select(i =>
            Enumerable.Range(0, 24).Select(j => (j * 37 + i * 31 + 11) % 150).ToArray())], "tokens");
        Assert.Contains("an expert gets about 24", plan.ShortCalibration(96), StringComparison.Ordinal);
        IReadOnlyList<QuantizedTensorReport> reports = new Quantizer(plan).Run(work["out"], new RunOptions { Calibration = calibration });

        QuantizedTensorReport[] experts = [.. reports.Where(report => report.Name.Contains(".experts.", StringComparison.Ordinal))];
        Assert.Equal(24, experts.Length);
        Assert.All(experts, report =>
        {
            bool never = report.Name.Contains(".experts.3.", StringComparison.Ordinal);
            Assert.Equal(never ? Fallback.NoData : null, report.Solved!.Fallback);
            Assert.Equal(never, report.Solved.Tokens == 0);
        });
        // Two experts a token, in the one layer that has them.
        Assert.Equal(2 * 96, experts.Where(report => report.Name.EndsWith("down_proj.weight", StringComparison.Ordinal))
            .Sum(report => report.Solved!.Tokens));
        Assert.All(reports.Except(experts).Where(report => report.Solved is not null), report => Assert.Equal(96, report.Solved!.Tokens));
    }

    private static void NeverChoose(byte[] file, int expert)
    {
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using JsonDocument document = JsonDocument.Parse(Encoding.UTF8.GetString(file, 8, header));
        int start = document.RootElement.GetProperty(Correction).GetProperty("data_offsets")[0].GetInt32();
        BinaryPrimitives.WriteSingleLittleEndian(file.AsSpan(8 + header + start + 4 * expert), -1e4f);
    }
}

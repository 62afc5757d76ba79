using System.Text.Json.Serialization;
using Vernier.Cli.Terminal;

namespace Vernier.Cli.Reports;

/// <summary>What a tensor holds. <c>bits</c>, <c>group</c> and <c>exponents</c> are null where it is not quantized, the statistics where it
/// holds no real numbers.</summary>
internal sealed record TensorDetails(
    string Name, string Type, IReadOnlyList<long> Shape, string Role, long Weights, long Bytes, double BitsPerWeight, double? Bits,
        int? Group, IReadOnlyList<double>? Exponents,
    double? Min, double? Max, double? Mean, double? Std, double? Kurtosis,
    [property: JsonPropertyName("beyond_3_sigma")] double? BeyondThreeSigma,
        [property: JsonPropertyName("beyond_6_sigma")] double? BeyondSixSigma, long? NotFinite);

/// <summary>The result of vernier inspect; <c>refused</c> says why a model is refused, and is null where it is not.</summary>
internal sealed record InspectReport(string Model, string Architecture, string? Recipe, string? Refused, long Parameters, long Bytes,
    double BitsPerWeight, IReadOnlyList<TensorDetails> Tensors)
{
    /// <summary>Writes the result for people.</summary>
    public void WriteTo(TextWriter writer)
    {
        var table = new TextTable("tensor", "type", ">shape", "role", ">bits/weight", ">of file", ">min", ">max", ">std", ">kurtosis",
            ">>3 sigma", ">>6 sigma", "exponent");
        foreach (TensorDetails tensor in Tensors)
        {
            table.Add(tensor.Name, tensor.Type, string.Join(" x ", tensor.Shape), tensor.Role, $"{tensor.BitsPerWeight:0.000}",
                Figures.Percent((double)tensor.Bytes / Bytes),
                Number(tensor.Min), Number(tensor.Max), Number(tensor.Std), Number(tensor.Kurtosis), Part(tensor.BeyondThreeSigma),
                    Part(tensor.BeyondSixSigma), Exponents(tensor.Exponents));
        }
        table.Write(writer);
        writer.WriteLine();
        foreach (TensorDetails tensor in Tensors.Where(tensor => tensor.NotFinite > 0))
            writer.WriteLine($"not finite: {Figures.Whole(tensor.NotFinite!.Value)} of the numbers of '{tensor.Name}'");
        writer.WriteLine($"{Architecture}{(Recipe is null ? "" : $", quantized with {Recipe}")}: {Figures.Whole(Parameters)} weights, "
            + $"{Figures.Size(Bytes)}, {BitsPerWeight:0.00} bits per weight");
        if (Refused is not null)
            writer.WriteLine($"refused: {Refused}");
        writer.WriteLine("kurtosis is 3 for normal numbers; beyond 3 and 6 sigma lie 0.27 % and 0.0000002 % of them");
    }

    private static string Number(double? number) => number is double value && double.IsFinite(value) ? value.ToString("G3") : "";

    private static string Part(double? part) => part is double value && double.IsFinite(value) ? $"{100 * value:0.000} %" : "";

    private static string Exponents(IReadOnlyList<double>? exponents)
    {
        if (exponents is null or { Count: 0 })
            return "";
        double least = exponents.Min(), most = exponents.Max();
        return least == most ? $"{least:0.####}" : $"{least:0.####} .. {most:0.####}";
    }
}

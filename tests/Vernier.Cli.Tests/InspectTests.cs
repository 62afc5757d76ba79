using System.Text.Json;

namespace Vernier.Tests;

/// <summary>vernier inspect.</summary>
public sealed class InspectTests(QuantizedQuill quantized) : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void A_float_model_is_listed() =>
        Snapshot.Matches("inspect", CommandRun.Succeeding("inspect", SharedData.Quill, "--match", @"layers\.0|embed|model\.norm").Output);

    [Fact]
    public void A_quantized_model_is_listed_by_its_matrices()
    {
        JsonElement result = CommandRun.Json("inspect", quantized.Folder);
        JsonSchema.Check(result,
            "model:string architecture:string recipe:string parameters:number bytes:number bits_per_weight:number tensors:array");
        Assert.Equal((56, 5_770_496), (result.GetProperty("tensors").GetArrayLength(), result.GetProperty("parameters").GetInt64()));
        JsonElement tensor = result.GetProperty("tensors").EnumerateArray()
            .Single(tensor => tensor.GetProperty("name").GetString() == "model.layers.3.mlp.down_proj.weight");
        JsonSchema.Check(tensor, """
            name:string type:string shape:array role:string weights:number bytes:number bits_per_weight:number bits:number group:number
            exponents:array
            min:number max:number mean:number std:number kurtosis:number beyond_3_sigma:number beyond_6_sigma:number not_finite:number
            """);
        Assert.Equal("4 bits, group 64", tensor.GetProperty("type").GetString());
        Assert.InRange(tensor.GetProperty("bits_per_weight").GetDouble(), 4.25, 4.26);
    }

    [Fact]
    public void The_statistics_are_those_of_the_definition()
    {
        string model = TinyNetwork.Write(_temp["tiny"]);
        JsonElement tensor = CommandRun.Json("inspect", model, "--match", "down_proj").GetProperty("tensors")[0];
        using var checkpoint = Files.Checkpoints.Checkpoint.Open(model);
        var values = new float[32 * 48];
        checkpoint.Read(checkpoint["model.layers.0.mlp.down_proj.weight"], 0, values);
        double mean = values.Average(x => (double)x), variance = values.Average(x => Math.Pow(x - mean, 2)),
            fourth = values.Average(x => Math.Pow(x - mean, 4));
        Assert.Equal(values.Min(), tensor.GetProperty("min").GetDouble(), 1e-9);
        Assert.Equal(values.Max(), tensor.GetProperty("max").GetDouble(), 1e-9);
        Assert.Equal(mean, tensor.GetProperty("mean").GetDouble(), 1e-12);
        Assert.Equal(Math.Sqrt(variance), tensor.GetProperty("std").GetDouble(), 1e-12);
        Assert.Equal(fourth / (variance * variance), tensor.GetProperty("kurtosis").GetDouble(), 1e-9);
        Assert.Equal(0, tensor.GetProperty("beyond_3_sigma").GetDouble());
    }

    [Fact]
    public void Outliers_and_numbers_that_are_not_finite_are_counted()
    {
        string outlier = TinyNetwork.Write(_temp["outlier"], bad: 40), nan = TinyNetwork.Write(_temp["nan"], bad: float.NaN);
        JsonElement tensor = CommandRun.Json("inspect", outlier, "--match", TinyNetwork.Bad).GetProperty("tensors")[0];
        Assert.Equal(1.0 / (32 * 48), tensor.GetProperty("beyond_6_sigma").GetDouble(), 1e-12);
        CommandRun run = CommandRun.Succeeding("inspect", nan);
        Assert.Contains($"not finite: 1 of the numbers of '{TinyNetwork.Bad}'\n", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pattern_that_matches_nothing_is_refused()
    {
        CommandRun run = CommandRun.Of("inspect", SharedData.Quill, "--match", "nothing");
        Assert.Equal((2, $"error: --match: no tensor of {SharedData.Quill} has a name that 'nothing' matches.\n"), (run.Status, run.Error));
    }
}

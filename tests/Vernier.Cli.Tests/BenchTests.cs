using System.Text.Json;

namespace Vernier.Tests;

/// <summary>vernier bench.</summary>
public class BenchTests(QuantizedQuill quantized)
{
    [Fact]
    public void All_figures_are_there_and_positive()
    {
        JsonElement result = CommandRun.Json("bench", quantized.Folder, "--prompt", "16", "--generate", "4", "--repeats", "2");
        JsonSchema.Check(result, """
            model:string recipe:string bytes:number bits_per_weight:number prompt_tokens:number generated_tokens:number
            prompt_tokens_per_second:number
            tokens_per_second:number weight_gigabytes_per_second:number memory_gigabytes_per_second:number time_to_first_token:number
            peak_memory_bytes:number
            threads:number
            """);
        Assert.All(result.EnumerateObject().Where(property => property.Value.ValueKind == JsonValueKind.Number), property =>
            Assert.True(property.Value.GetDouble() > 0, property.Name));
    }

    [Fact]
    public void More_tokens_than_the_context_are_refused()
    {
        CommandRun run = CommandRun.Of("bench", SharedData.Quill, "--prompt", "1025");
        Assert.Equal(2, run.Status);
        Assert.Contains("context is 1024", run.Error, StringComparison.Ordinal);
    }
}

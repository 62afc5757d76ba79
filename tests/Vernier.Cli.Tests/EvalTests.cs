using System.Text.Json;

namespace Vernier.Tests;

/// <summary>vernier eval.</summary>
public class EvalTests(QuantizedQuill quantized)
{
    [Fact]
    public void A_model_against_itself_agrees_in_everything()
    {
        CommandRun run = CommandRun.Succeeding("eval", SharedData.Quill, "--against", SharedData.Quill, "--text", quantized.Text,
            "--window", "128");
        Snapshot.Matches("eval-against-itself", run.Output, (quantized.Text, "<text>"));
        Assert.Equal("loading\nevaluating\n", run.Error);
    }

    [Fact]
    public void A_model_alone_has_a_perplexity()
    {
        CommandRun run = CommandRun.Succeeding("eval", SharedData.Quill, "--text", quantized.Text, "--windows", "2");
        Snapshot.Matches("eval", run.Output, (quantized.Text, "<text>"));
    }

    [Fact]
    public void Without_a_text_the_reference_writes_a_sample()
    {
        JsonElement result = CommandRun.Json("eval", quantized.Folder, "--against", SharedData.Quill, "--windows", "4", "--window", "64",
            "--seed", "5");
        JsonSchema.Check(result, """
            model:string against:string recipe:string text:string windows:number tokens:number bytes:number bits_per_weight:number
            perplexity:number perplexity_stderr:number
            reference_perplexity:number reference_perplexity_stderr:number kl_divergence:number kl_divergence_stderr:number
            top1_agreement:number top1_agreement_stderr:number
            seconds:number tokens_per_second:number peak_memory_bytes:number
            """);
        Assert.Equal("4 texts of 64 tokens that the reference wrote itself, seed 5", result.GetProperty("text").GetString());
        Assert.Equal(4 * 63, result.GetProperty("tokens").GetInt64());
        Assert.InRange(result.GetProperty("kl_divergence").GetDouble(), 1e-4, 0.1);
        Assert.InRange(result.GetProperty("top1_agreement").GetDouble(), 0.7, 1);
    }

    [Fact]
    public void What_needs_a_reference_is_null_without_one_and_so_is_what_is_not_finite()
    {
        JsonElement result = CommandRun.Json("eval", quantized.Folder, "--text", quantized.Text, "--windows", "1");
        Assert.Equal(JsonValueKind.Null, result.GetProperty("kl_divergence").ValueKind);
        Assert.Equal(JsonValueKind.Null, result.GetProperty("against").ValueKind);
        Assert.Equal(JsonValueKind.Null, result.GetProperty("perplexity_stderr").ValueKind);
    }

    [Fact]
    public void A_stride_gives_more_context_and_counts_each_token_once()
    {
        JsonElement apart = CommandRun.Json("eval", SharedData.Quill, "--text", quantized.Text, "--window", "64", "--windows", "4");
        JsonElement over = CommandRun.Json("eval", SharedData.Quill, "--text", quantized.Text, "--window", "64", "--stride", "32",
            "--windows", "7");
        Assert.Equal(256, apart.GetProperty("tokens").GetInt64());
        Assert.Equal(256, over.GetProperty("tokens").GetInt64());
        Assert.True(over.GetProperty("perplexity").GetDouble() < apart.GetProperty("perplexity").GetDouble());
    }

    [Fact]
    public void The_perplexity_on_wikitext_is_that_of_the_reference()
    {
        string text = SharedData.Require("data/text/wikitext2-test.txt");
        JsonElement result = CommandRun.Json("eval", SharedData.Quill, "--text", text, "--windows", "512");
        Assert.Equal(39.067, result.GetProperty("perplexity").GetDouble(), 0.002);
        Assert.Equal(512 * 256, result.GetProperty("tokens").GetInt64());
    }
}

using System.Text.Json;

namespace Vernier.Tests;

/// <summary>The values of options: which are taken, and what is said of the others.</summary>
public sealed class OptionTests : IDisposable
{
    private readonly TempFolder _temp = new();

    public void Dispose() => _temp.Dispose();

    public static TheoryData<string, string?> Wrong { get; } = new()
    {
        { "quantize x --bits", "Required argument missing for option: '--bits'." },
        { "quantize x --bits 4.0", "--bits: '4.0' is not a whole number from 2 to 8." },
        { "quantize x --bits 1", "--bits: '1' is not a whole number from 2 to 8." },
        { "quantize x --group 64,32", "--group: '64,32' is not a whole number from 1 to 1048576, 'channel' or 'tensor'." },
        { "quantize x --group 1048577", "--group: '1048577' is not a whole number from 1 to 1048576, 'channel' or 'tensor'." },
        { "quantize x --group Channel", "--group: 'Channel' is not a whole number from 1 to 1048576, 'channel' or 'tensor'." },
        { "quantize x --embedding-bits all", "--embedding-bits: 'all' is not a whole number from 2 to 8, or 'none'." },
        { "quantize x --exponent NaN", "--exponent: 'NaN' is not a number from 0.2 to 1.2." },
        { "quantize x --exponent 0,5", "--exponent: '0,5' is not a number from 0.2 to 1.2." },
        { "quantize x --exponent-bits 0,1", "--exponent-bits: '0,1' is not a list, with commas, of whole numbers from 1 to 7." },
        { "quantize x --exponent-bits 1,", "--exponent-bits: '1,' is not a list, with commas, of whole numbers from 1 to 7." },
        { "quantize x --layout Full",
            "--layout: 'Full' is not a list, with commas, of symmetric, full, mid-rise, offset, asymmetric." },
        { "quantize x --scope row", "--scope: 'row' is not one of network, layer, rows." },
        { "quantize x --rounding up", "--rounding: 'up' is not one of nearest, power-domain." },
        { "quantize x --scale 1",
            "--scale: '1' is not one of search, largest, power-of-two, power-of-two-ratios, gradient." },
        { "quantize x --preserve-norm true", "--preserve-norm: 'true' is not one of yes, no." },
        { "quantize x --sequences 0", "--sequences: '0' is not a whole number from 1 to 1048576." },
        { "quantize x --length 1", "--length: '1' is not a whole number from 2 to 1048576." },
        { "quantize x --memory 4GiB", "--memory: '4GiB' is not a size such as 4GB, 500MB or a number of bytes." },
        { "quantize x --memory 1e9", "--memory: '1e9' is not a size such as 4GB, 500MB or a number of bytes." },
        { "quantize x --memory 0", "--memory: '0' is not a size such as 4GB, 500MB or a number of bytes." },
        { "quantize x --memory 9999999TB", "--memory: '9999999TB' is not a size such as 4GB, 500MB or a number of bytes." },
        { "quantize x --memory .", "--memory: '.' is not a size such as 4GB, 500MB or a number of bytes." },
        { "quantize x --keep (?=a)",
            "--keep: '(?=a)' is not a regular expression, without lookarounds and back-references." },
        { "quantize x --keep (a)\\1",
            "--keep: '(a)\\1' is not a regular expression, without lookarounds and back-references." },
        { "eval x --window 1", "--window: '1' is not a whole number from 2 to 1048576." },
        { "eval x --windows 0", "--windows: '0' is not a whole number from 1 to 2147483647." },
        { "eval x --seed 18446744073709551616", "--seed: '18446744073709551616' is not a whole number from 0 to "
            + "18446744073709551615." },
        { "eval x --arithmetic double", "--arithmetic: 'double' is not one of integer, float, l-mul." },
        { "eval x --threads 0", "--threads: '0' is not a whole number from 1 to 1024." },
        { "compare x --bits 4,9", "--bits: '4,9' is not a list, with commas, of whole numbers from 2 to 8." },
        { "compare x --bits 4,,3", "--bits: '4,,3' is not a list, with commas, of whole numbers from 2 to 8." },
        { "compare x --bits +4", "--bits: '+4' is not a list, with commas, of whole numbers from 2 to 8." },
        { "compare x --group 64,row",
            "--group: '64,row' is not a list, with commas, of a whole number from 1 to 1048576, 'channel' or 'tensor'." },
        { "run x y --kv-cache half", "--kv-cache: 'half' is not one of single, int8." },
        { "run x y --temperature hot", "--temperature: 'hot' is not a number from 0 to 100." },
        { "run x y --temperature 100.5", "--temperature: '100.5' is not a number from 0 to 100." },
        { "run x y --top-k -1", "--top-k: '-1' is not a whole number from 0 to 2147483647." },
        { "run x y --top-p 0", "--top-p: '0' is not a number from 1E-09 to 1." },
        { "run x y --min-p 1.5", "--min-p: '1.5' is not a number from 0 to 1." },
        { "run x y --max-tokens 1e3", "--max-tokens: '1e3' is not a whole number from 0 to 2147483647." },
        { "run x y --seed 1.5", "--seed: '1.5' is not a whole number from 0 to 18446744073709551615." },
        { "bench x --prompt 0", "--prompt: '0' is not a whole number from 1 to 1048576." },
        { "bench x --repeats 1001", "--repeats: '1001' is not a whole number from 1 to 1000." },
        { "bench x --generate 2147483648", "--generate: '2147483648' is not a whole number from 1 to 1048576." },
        { "inspect x --match [", "--match: '[' is not a regular expression, without lookarounds and back-references." },
        { "inspect x --threads 1025", "--threads: '1025' is not a whole number from 1 to 1024." },
        { "recipes x y", "Unrecognized command or argument 'y'." },
        { "export x y", "Unrecognized command or argument 'y'." },
        { "bench x --fast", "Unrecognized command or argument '--fast'." },
        { "run x @file", null },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_value_is_named_with_those_that_there_are(string command, string? message)
    {
        CommandRun run = CommandRun.Of(command.Split(' '));
        if (message is null)
        {
            // No file is read for what begins with an @: it is a prompt.
            Assert.Equal(1, run.Status);
            Assert.StartsWith("error: x: there is no such folder.", run.Error, StringComparison.Ordinal);
            return;
        }
        Assert.Equal((2, ""), (run.Status, run.Output));
        Assert.Equal($"error: {message}\n'vernier {command.Split(' ')[0]} --help' says what there is.\n", run.Error);
    }

    /// <summary>Values at their bounds, and all ways to write them.</summary>
    [Theory]
    [InlineData("--bits 2", "bits", "2")]
    [InlineData("--bits 8", "bits", "8")]
    [InlineData("--group 1", "group", "1")]
    [InlineData("--group 1048576", "group", "1048576")]
    [InlineData("--group channel", "group", "0")]
    [InlineData("--group tensor", "group", "-1")]
    [InlineData("--embedding-bits none", "embedding_bits", "null")]
    [InlineData("--embedding-bits 2", "embedding_bits", "2")]
    [InlineData("-r rtn", "recipe", "\"rtn\"")]
    [InlineData("--recipe rtn --grid power --exponent 0.2", "recipe", "\"rtn+grid=power+exponent=0.2\"")]
    [InlineData("--recipe rtn --grid power --exponent 1.2", "recipe", "\"rtn+grid=power+exponent=1.2\"")]
    [InlineData("--recipe rtn --grid minifloat --exponent-bits 1,2", "recipe", "\"rtn+grid=minifloat+exponent-bits=1,2\"")]
    [InlineData("--layout full,offset --scope rows", "recipe", "\"nupes-datafree+layout=full,offset+scope=rows\"")]
    [InlineData("--recipe rtn --scale largest --preserve-norm no", "recipe", "\"rtn+scale=largest+preserve-norm=no\"")]
    [InlineData("--recipe kmeans --tables 8", "recipe", "\"kmeans+tables=8\"")]
    [InlineData("--memory 2TB", "dry_run", "true")]
    [InlineData("--memory 1.5gb", "dry_run", "true")]
    [InlineData("--memory 1500m", "dry_run", "true")]
    [InlineData("--memory 1500000000", "dry_run", "true")]
    [InlineData("--threads 1024", "dry_run", "true")]
    public void A_value_that_is_right_is_taken(string options, string member, string value)
    {
        string model = TinyNetwork.Write(_temp["tiny"]);
        JsonElement plan = CommandRun.Json(["quantize", model, "--dry-run", .. options.Split(' ')]);
        Assert.Equal(value, plan.GetProperty(member).GetRawText());
        Assert.Equal(["tiny"], _temp.Names);
    }

    [Theory]
    [InlineData("--recipe rtn --recipe gptq", "--recipe")]
    [InlineData("--bits 3 --bits 4", "--bits")]
    [InlineData("--keep a --keep b", "--keep")]
    public void An_option_is_said_once(string options, string option)
    {
        CommandRun run = CommandRun.Of(["quantize", "x", .. options.Split(' ')]);
        Assert.Equal((2, ""), (run.Status, run.Output));
        Assert.Contains($"'{option}'", run.Error, StringComparison.Ordinal);
        Assert.EndsWith("'vernier quantize --help' says what there is.\n", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("quantize", "--to onnx", "--to: 'onnx' is neither hf nor gguf.")]
    [InlineData("quantize", "--type Q4_0",
        "--type, --tensor-type, --imatrix: these are for GGUF files. Say --to gguf as well, or leave them out.")]
    [InlineData("quantize", "--bits 8 --recipe gptvq-4d", "the recipe gptvq-4d takes vectors of 4: with 8 bits a weight an index would "
        + "have 32 bits, and 8 are the most. Take at most 2 bits, or another recipe")]
    [InlineData("compare", "--recipes rtn,none", "there is no recipe 'none'. There are: ")]
    [InlineData("compare", "--recipes rtn,,gptq", "there is no recipe ''. There are: ")]
    [InlineData("compare", "--recipes rtn@self", "--recipes: 'rtn@self': the recipe rtn needs no text. Leave out '@self'.")]
    [InlineData("compare", "--recipes gptvq-4d --bits 8", "--bits: none of the recipes can do so many bits; gptvq-4d can do 2.")]
    [InlineData("compare", "--window 129", "--window: 129 tokens are more than the model's context of 128.")]
    [InlineData("compare", "--recipes gptq --length 129", "--length: 129 tokens are more than the model's context of 128.")]
    [InlineData("eval", "--stride 3", "--stride: it cuts a text, and there is no --text.")]
    [InlineData("eval", "--window 200", "--window: 200 tokens are more than the model's context of 128.")]
    [InlineData("bench", "--prompt 129", "--prompt, --generate: the model's context is 128 tokens. Ask for fewer.")]
    [InlineData("bench", "--generate 128", "--prompt, --generate: the model's context is 128 tokens. Ask for fewer.")]
    [InlineData("export", "--to hf", "-o: name the file or the folder to write.")]
    [InlineData("export", "-o x", "--to: say what to write, gguf or hf.")]
    [InlineData("export", "--to hf -o out --type F16",
        "--type, --tensor-type: a folder keeps the types of the file; blocks become F32. Leave them out.")]
    public void What_does_not_fit_the_model_or_the_rest_is_refused(string command, string options, string message)
    {
        string model = TinyNetwork.Write(_temp["tiny"]);
        string[] output = command == "quantize" ? ["-o", _temp["o"]] : [];
        CommandRun run = CommandRun.Of([command, model, .. options.Split(' '), .. output]);
        Assert.Equal("", run.Output);
        Assert.Contains("error: " + message, run.Error, StringComparison.Ordinal);
        Assert.Contains(run.Status, new[] { 1, 2 });
        Assert.Equal(["tiny"], _temp.Names);
    }
}

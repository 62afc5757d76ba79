using Vernier.Bench.Pipeline;

// bench memory FOLDER [--hidden 2048] [--intermediate 8192] [--layers 16] [--heads 32] [--kv-heads 8] [--vocabulary 32000] [--sequences 32]
// [--length 512]
//     [--recipe gptq] [--memory 4GB] [--threads 2]
// Writes a random model into FOLDER, quantizes it in a process of its own, and prints one line of JSON: peak memory, seconds, tokens per
// second.
// bench encode FOLDER [--bits 4] [--group 64] [--threads 2] [--repeats 3] [the shape, as above]
//   Quantizes the random model without data; millions of weights a second for the whole command.
// bench gptq FOLDER [--size 2048] [--threads 2] [--pairs 5] [--python python3]
//   GPTQ of one layer, ours and PyTorch's in turn; FOLDER receives the layer.
// bench gguf-encode FOLDER [--llama-cpp DIR] [--types Q4_0,Q4_K] [--rows 4096] [--columns 4096] [--threads 2] [--pairs 7]
// Encodes a matrix to blocks without data, ours and ggml's in turn; ggml's folder can also be given by VERNIER_LLAMA_CPP. Nothing is
// written.
// bench stress FOLDER [--minutes 60] [--seed 1] [--model MODEL]
//   Quantizes and runs models of odd widths with every recipe on 1 to 8 threads while the heap is compacted all the time, and every eighth
//   time MODEL; best in a checked build too.
if (args.Length < 2 || args[0] is not ("stress" or "memory" or "encode" or "gptq" or "gguf-encode"))
{
    Console.Error.WriteLine(
        "bench memory FOLDER [--hidden N] [--intermediate N] [--layers N] [--heads N] [--kv-heads N] [--vocabulary N] [--sequences N] "
        + "[--length N] [--recipe NAME] [--memory SIZE] [--threads N]");
    Console.Error.WriteLine("bench encode FOLDER [--bits N] [--group N] [--threads N] [--repeats N] [the shape, as above]");
    Console.Error.WriteLine("bench gptq FOLDER [--size N] [--threads N] [--pairs N] [--python PATH]");
    Console.Error.WriteLine(
        "bench gguf-encode FOLDER [--llama-cpp DIR] [--types NAME,...] [--rows N] [--columns N] [--threads N] [--pairs N]");
    Console.Error.WriteLine("bench stress FOLDER [--minutes N] [--seed N] [--model MODEL]");
    return 2;
}
var options = new Options(args);
Directory.CreateDirectory(args[1]);
return args[0] switch
{
    "stress" => StressCase.Run(args[1], options),
    "memory" => MemoryCase.Run(args[1], options),
    "gguf-encode" => GgufEncodeCase.Run(options),
    "encode" => EncodeCase.Run(args[1], options),
    _ => GptqCase.Run(args[1], options),
};
